// URLs that an app passes in any way: what is sent is a URL that the pipeline accepts, or nothing.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Emitter, type Payload, Subject, type Tracker } from 'snowplow-middleware';
import { startCollector } from 'snowplow-middleware/collector';
import { fitUrl } from '../../../src/core/url/fit-url';
import { capture } from '../../support/capture';
import { isGoodUrl, parseJavaUri } from '../../support/java-uri';
import { fields } from '../../support/request-fields';

type Key = 'url' | 'refr';
interface Recorded {
  readonly key: Key;
  readonly url: string;
  /** Whether the real pipeline made an event of it. */
  readonly good: boolean;
}
const RECORDED = JSON.parse(
  readFileSync(join(__dirname, '../../compatibility/vectors/recorded-urls.json'), 'utf8'),
) as readonly Recorded[];

type Way = (key: Key, url: string) => string | undefined;
const sentBy =
  (track: (tracker: Tracker, key: Key, url: string) => unknown): Way =>
  (key, url) => {
    const { tracker, last } = capture();
    track(tracker, key, url);
    expect(last()['eid'], url).toBeDefined();
    return last()[key];
  };
const asSubject = (key: Key, url: string): Subject =>
  key === 'url' ? new Subject().setPageUrl(url) : new Subject().setReferrer(url);
const STRUCT = { category: 'c', action: 'a' };
const WAYS: readonly [how: string, way: Way][] = [
  ['an argument', sentBy((t, key, url) => t.trackPageView(key === 'url' ? { pageUrl: url } : { pageUrl: '/', referrer: url }))],
  ["a tracker's subject", sentBy((t, key, url) => t.setSubject(asSubject(key, url)).trackStructEvent(STRUCT))],
  ["an event's subject", sentBy((t, key, url) => t.trackStructEvent({ ...STRUCT, subject: asSubject(key, url) }))],
  ["an object like a subject", sentBy((t, key, url) => t.trackStructEvent({ ...STRUCT, subject: { fields: { [key]: url } } as never }))],
  ['an anonymous event', sentBy((t, key, url) => t.trackStructEvent({ ...STRUCT, anonymous: true, subject: asSubject(key, url) }))],
  ['beforeSend', (key, url) => {
    const { tracker, last } = capture({ beforeSend: (payload: Payload) => ({ ...payload, [key]: url }) });
    tracker.trackStructEvent(STRUCT);
    return last()[key];
  }],
  ['redactUrl', (key, url) => fields({}, { redactUrl: () => url })[key]],
]; // prettier-ignore

const cases = (good: boolean): readonly Recorded[] => RECORDED.filter((one) => one.url !== '' && one.good === good);

describe('the model of the parser', () => {
  it('takes none that the real pipeline has refused', () => {
    expect(cases(false).filter(({ key, url }) => isGoodUrl(key, url))).toEqual([]);
  });

  it('takes ordinary ones', () => {
    for (const url of ['https://a.test/a?b=c#d', 'mailto:a@a.test', '/tea', 'basket', 'http://ü.test/ö', 'http://[::1]:80/'])
      expect(parseJavaUri(url), url).toBeDefined();
  }); // prettier-ignore
});

describe.each(WAYS)('a URL handed over by %s', (_how, way) => {
  it('is sent as one that the pipeline takes, or left out: all that were recorded', () => {
    const bad = [...cases(false), ...cases(true)].flatMap(({ key, url }) => {
      const sent = way(key, url);
      return sent === undefined || isGoodUrl(key, sent) ? [] : [{ key, url, sent }];
    });
    expect(bad).toEqual([]);
  });

  it('is sent as one that the pipeline takes, or left out: any other', () => {
    const piece = fc.oneof(
      fc.constantFrom('http:', 'https://', '//', '/', '?', '#', ':', '@', '[', ']', '[::1]', ':80', 'a.b', '.', '1', 'a+b.c:'),
      fc.constantFrom('%', '%4', '%41', '%zz', '_sp=', '%5Fsp=', 'a.1', '&', ';', ' ', '|', '\\', '"', '<', '{', '^', '`', '\u00a0', '\u2028', 'ü', '港', '\ud800', '\0'),
      fc.constantFrom('x'.repeat(2_999), '%20'.repeat(1_100), 'a=1&'.repeat(1_600), '🫖'.repeat(1_500), 'h'.repeat(256)),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ); // prettier-ignore
    const url = fc.array(piece, { minLength: 1, maxLength: 9 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(fc.constantFrom<Key>('url', 'refr'), url, (key, given) => {
        fc.pre(given !== '');
        const sent = way(key, given);
        expect(sent === undefined || isGoodUrl(key, sent.toWellFormed()), `${given} as ${sent}`).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

it('needs no escape in a JSON text, whoever brings it: an event, a subject or a request', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '\ud800', '\n', 'https://h/"', 'a"b:c'));
  const url = fc.array(fc.oneof(text, fc.constantFrom('https://', '/', '?', '#', '@', ':')), { minLength: 1 });
  const needsNone = (sent: string | undefined): void =>
    expect(sent === undefined || JSON.stringify(sent) === `"${sent}"`, sent).toBe(true);
  fc.assert(
    fc.property(url, text, (pieces, host) => {
      const given = pieces.join('');
      needsNone(fitUrl(given, 3_000));
      const request = fields({ originalUrl: `/${given}`, referrer: given, host });
      for (const { url: own, refr } of [request, fields({ originalUrl: given }, {}, true)]) {
        needsNone(own);
        needsNone(refr);
      }
    }),
    { numRuns: 2_000 },
  );
}); // prettier-ignore

describe('a URL that the pipeline takes as it is', () => {
  // Of these the package itself takes other views: longer than it sends, or with a `_sp` that it does not take.
  const ours = RECORDED.filter(({ key, url }) => url !== '' && isGoodUrl(key, url) && !/_sp|%5Fsp|\?(?:#|$)|#$/i.test(url));

  it('is sent byte for byte', () => {
    expect(ours.length).toBeGreaterThan(100);
    for (const [how, way] of WAYS.slice(0, 4))
      for (const { key, url } of ours) expect([how, way(key, url)]).toEqual([how, url]);
  });
}); // prettier-ignore

it('is judged so by the collector too', async () => {
  const collector = await startCollector();
  const emitter = new Emitter(collector.url, { logger: false, batchSize: 100, maxBatchSize: 100 });
  const { tracker } = capture();
  tracker.addEmitter(emitter);
  // The collector keeps a thousand events.
  for (let start = 0; start < RECORDED.length; start += 500) {
    const some = RECORDED.slice(start, start + 500);
    for (const { key, url } of some) tracker.trackStructEvent({ ...STRUCT, subject: asSubject(key, url) });
    await emitter.flush({ timeoutMs: 30_000 });
    expect(collector.bad()).toEqual([]);
    expect(collector.good().length).toBe(some.length);
    collector.reset();
  }
  await emitter.close();
  await collector.close();
});
