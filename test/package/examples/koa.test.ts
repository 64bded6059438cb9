// The Koa example, started as its reader starts it.
import { expect, it } from 'vitest';
import { startCollector } from '../../../src/collector';
import { Child } from '../../support/child';

it('the Koa example tracks a screen and an event for its visitor, and ends on Ctrl-C with everything sent', async () => {
  const collector = await startCollector();
  const shop = new Child(process.execPath, ['examples/koa/app.mjs'], { SNOWPLOW_ENDPOINT: collector.url });
  try {
    const url = (await shop.printed(/The shop:\s+(\S+\/)/))[1] as string;
    const response = await fetch(`${url}?tea=assam`, { headers: { 'user-agent': 'a visitor', connection: 'close' } });
    expect(await response.text()).toContain('The tea shop');
    shop.kill('SIGINT');
    expect(await shop.exited).toEqual({ code: null, signal: 'SIGINT' });
    expect(collector.good()).toMatchObject([
      { data: { name: 'Home' }, payload: { ua: 'a visitor', ip: '127.0.0.1' } },
      { payload: { se_ac: 'taste', se_la: 'assam', url: `${url}?tea=assam` } },
    ]);
    collector.assertAllGood();
  } finally {
    await shop.stop();
    await collector.close();
  }
});
