// Page views: what a page asks for beside itself, again and again, is no visit.
import { goTo } from '../../../support/go-to';
import { FRAMEWORKS } from '../harness/app';
import { type Scenario, scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';

const beside = (mode: string, dest: string, accept = '*/*'): Record<string, string> => ({
  accept,
  'sec-fetch-mode': mode,
  'sec-fetch-dest': dest,
});
/** What a browser asks for on behalf of one page, or of none yet. */
const REQUESTS: readonly Record<string, string>[] = [
  beside('no-cors', 'script'),
  beside('no-cors', 'style', 'text/css,*/*;q=0.1'),
  beside('no-cors', 'image', 'image/avif,*/*;q=0.8'),
  beside('cors', 'empty', 'application/json'),
  beside('navigate', 'iframe', 'text/html'),
  { 'sec-purpose': 'prefetch' },
];

export const pageViews: Scenario[] = FRAMEWORKS.map((framework) =>
  scenario(
    36,
    `${framework}: what a page asks for beside itself is no page view`,
    { small: { rounds: 2 }, full: { rounds: 50 } },
    async (stage, { rounds }) => {
      const collector = await stage.collector();
      const app = await stage.app({
        framework,
        tracker: { endpoint: collector.url },
        middleware: { pageViews: true },
        setup: ({ route }) => {
          route('/kept', ({ send }) => send('', 'text/html', 304));
          route('/sent', ({ send }) => send('<h1>Tea</h1>', 'text/html'));
        },
      });
      for (let round = 0; round < rounds; round++)
        for (const path of ['/kept', '/sent'])
          await Promise.all([{}, ...REQUESTS].map((headers) => goTo(app.url + path, headers)));
      await until('every response has ended', async () => {
        const open = await app.run(
          ({ server }) => new Promise((resolve) => server.getConnections((_error, count) => resolve(count))),
        );
        return open === 0;
      });
      await app.run(({ tracker }) => tracker.flush());
      const views = collector.requests.flatMap(({ events }) => events).filter(({ e }) => e === 'pv').length;
      const figures = { views, visits: 2 * rounds, requests: 2 * rounds * (1 + REQUESTS.length) };
      must('each visit is one page view, and nothing else is', views === figures.visits, figures);
      return figures;
    },
  ),
);
