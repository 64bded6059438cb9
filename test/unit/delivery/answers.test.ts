// What each answer of a collector means for the events that were in the request.
import { AsyncEmitter, Emitter, type EmitterOptions, type Payload } from 'snowplow-middleware';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeptLog } from '../../support/engine';
import { Feed } from '../../support/feed';
import { answer, raw, type ScriptedCollector, startScriptedCollector } from '../../support/scripted-collector';

let collector: ScriptedCollector;
let log: KeptLog;
beforeEach(async () => {
  collector = await startScriptedCollector();
  log = new KeptLog();
});
afterEach(() => collector.close());

/** An emitter that tries again within milliseconds, and what it told its callbacks. */
function emitterWith(options: Partial<EmitterOptions> = {}): { emitter: Emitter; feed: Feed; told: unknown[][] } {
  const told: unknown[][] = [];
  const emitter = new Emitter(collector.url, {
    batchSize: 2,
    maxRetryDelayMs: 20,
    logger: log,
    onSuccess: (events) => told.push(['success', events.length]),
    onFailure: (sent, unsent, { willRetry, status }) =>
      told.push(['failure', sent, unsent.length, { willRetry, status }]),
    onDrop: ({ events, reason, error }) => told.push(['drop', events.length, reason, error?.message]),
    ...options,
  });
  return { emitter, feed: new Feed(emitter), told };
}

describe('a good answer', () => {
  it.each([200, 201, 204, 299])('%i means that the events are there', async (status) => {
    collector.next(answer(status, status === 204 ? { 'content-length': '0' } : {}, status === 204 ? '' : 'ok'));
    const { emitter, feed, told } = emitterWith();
    feed.offer(2);
    await vi.waitFor(() => expect(told).toEqual([['success', 2]]), 30_000);
    await emitter.close();
    expect(feed.balanced().sent).toBe(2);
    expect(collector.requests).toHaveLength(1);
  });

  it('is never retried, whatever customRetryCodes say', async () => {
    const { emitter, feed } = emitterWith({ customRetryCodes: { 200: true, 204: true } });
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    await emitter.close();
    expect(collector.requests).toHaveLength(1);
  });

  it('comes after one or more interim answers', async () => {
    collector.next(
      raw('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', true),
    );
    const { emitter, feed } = emitterWith();
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    await emitter.close();
  });
});

const OK = 'HTTP/1.1 200 OK\r\n';
const LENGTH = 'content-length: 2\r\n';

describe('an answer with more than it needs', () => {
  it.each([
    ['102 and 103 before it', `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${OK}${LENGTH}\r\nok`],
    ['20 kB of cookies', `${OK}set-cookie: a=${'x'.repeat(20_000)}\r\n${LENGTH}\r\nok`],
    ['60 kB of headers', `${OK}${`x-a: ${'x'.repeat(990)}\r\n`.repeat(60)}${LENGTH}\r\nok`],
  ])('%s, is read like others', async (_what, bytes) => {
    collector.next(raw(bytes, true));
    const { emitter, feed, told } = emitterWith();
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    expect(told).toEqual([['success', 2]]);
    await emitter.close();
  }); // prettier-ignore
});

const NAMED = (code: string): RegExp => new RegExp(`^the collector's answer cannot be parsed: .+ \\(${code}\\)`);

describe('an answer of which only the status line can be parsed', () => {
  it.each([
    ['has 100 Continue before it, which nobody asked for', 'UND_ERR_SOCKET', `HTTP/1.1 100 Continue\r\n\r\n${OK}${LENGTH}\r\nok`],
    ['gives its length twice', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', `${OK}${LENGTH}${LENGTH}\r\nok`],
    ['gives a length and comes in chunks', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', `${OK}${LENGTH}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`],
    ['has a header over two lines', 'HTTPParserError', `${OK}x-a: b\r\n c\r\n${LENGTH}\r\nok`],
    ['has lines that end in LF alone', 'HTTPParserError', 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok'],
  ])('because it %s counts by its status, and is named once', async (_what, code, bytes) => {
    const { emitter, feed, told } = emitterWith();
    for (const sent of [2, 4]) {
      collector.next(raw(bytes, true));
      feed.offer(2);
      await vi.waitFor(() => expect(feed.balanced().sent).toBe(sent), 30_000);
    }
    collector.next(raw(bytes.replace('200', '403'), true));
    feed.offer(1);
    await emitter.flush();
    expect(feed.balanced().dropped.rejected).toBe(1);
    expect(told.map(([what]) => what)).toEqual(['success', 'success', 'drop', 'failure']);
    expect(collector.requests).toHaveLength(3);
    expect(log.lines.filter((line) => NAMED(code).test(line))).toHaveLength(1);
    await emitter.close();
  }); // prettier-ignore
});

describe('an answer that cannot be parsed', () => {
  it.each([
    ['switches the protocol', 'UND_ERR_SOCKET', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
    ['has 100 kB of headers', 'UND_ERR_HEADERS_OVERFLOW', `${OK}set-cookie: a=${'x'.repeat(100_000)}\r\n${LENGTH}\r\nok`],
    ['is no HTTP', 'HTTPParserError', '220 mail ready\r\n\r\n'],
    ['has a status of letters', 'HTTPParserError', `HTTP/1.1 OK 200\r\n${LENGTH}\r\nok`],
  ])('because it %s is a failure, named once, and the events are kept', async (_what, code, bytes) => {
    const { emitter, feed, told } = emitterWith();
    // On a connection that was used before as well: the collector has read the request, so it is not repeated at once.
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    collector.next(raw(bytes), raw(bytes));
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(4), 30_000);
    const failure = ['failure', 0, 2, { willRetry: true, status: undefined }];
    expect(told.slice(0, 3)).toEqual([['success', 2], failure, failure]);
    // After the second failure the two are tried apart: one of them may be why.
    expect(collector.requests.map(({ events }) => events.length)).toEqual([2, 2, 2, 1, 1]);
    expect(feed.balanced().lastError?.message).toMatch(NAMED(code));
    expect(log.lines.filter((line) => NAMED(code).test(line))).toHaveLength(1);
    await emitter.close();
  }); // prettier-ignore
});

describe('a final answer', () => {
  it.each([401, 410])(
    '%i speaks of the caller: it drops the events once, as rejected, and does not touch those behind',
    async (status) => {
      collector.next(answer(status));
      const { emitter, feed, told } = emitterWith({ maxBatchSize: 2 });
      feed.offer(4);
      await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
      expect(told.slice(0, 2)).toEqual([
        ['drop', 2, 'rejected', `the collector answered ${status}`],
        ['failure', 0, 2, { willRetry: false, status }],
      ]);
      expect(feed.balanced()).toMatchObject({ dropped: { rejected: 2 }, waiting: 0, lastError: { status } });
      expect(collector.requests).toHaveLength(2);
      await emitter.close();
    },
  );
});

describe('a final answer that may be the doing of one event', () => {
  it.each([400, 403, 422])('%i drops that event alone, as rejected', async (status) => {
    let culprit = '';
    collector.otherwise = ({ events }) => answer(events.some(({ eid }) => eid === culprit) ? status : 200);
    const { emitter, feed, told } = emitterWith({ maxBatchSize: 4 });
    feed.offer(8);
    culprit = feed.accepted[2] as string;
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(7), 30_000);
    await vi.waitFor(() => expect(feed.balanced().dropped.rejected).toBe(1), 30_000);
    expect(told.filter(([what]) => what === 'drop')).toEqual([
      ['drop', 1, 'rejected', `the collector answered ${status}`],
    ]);
    // The batch, each half of it, each half of that half; and what came behind it.
    expect(collector.requests).toHaveLength(1 + 2 + 2 + 1);
    await emitter.close();
  });
});

describe('any other answer', () => {
  it.each([304, 402, 404, 405, 408, 418, 429, 500, 501, 502, 503, 504, 599])(
    '%i keeps the events and tries again',
    async (status) => {
      collector.next(answer(status, {}, status === 304 ? '' : 'no'));
      const { emitter, feed, told } = emitterWith();
      feed.offer(2);
      await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
      expect(told).toEqual([
        ['failure', 0, 2, { willRetry: true, status }],
        ['success', 2],
      ]);
      expect(collector.requests[1]?.events.map(({ eid }) => eid)).toEqual(feed.accepted);
      await emitter.close();
    },
  );

  it.each([301, 302, 303, 307, 308])(
    '%i is not followed: the events are kept, one line says so, the target sees nothing',
    async (status) => {
      await using elsewhere = await startScriptedCollector();
      const redirect = answer(status, { location: `${elsewhere.url}/com.snowplowanalytics.snowplow/tp2` });
      collector.next(redirect, redirect);
      const { emitter, feed } = emitterWith();
      feed.offer(2);
      await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
      await emitter.close();
      expect(elsewhere.connections).toBe(0);
      expect(collector.requests).toHaveLength(4);
      expect(log.lines.filter((line) => line.includes('redirect'))).toHaveLength(1);
      for (const { method } of collector.requests) expect(method).toBe('POST');
    },
  );

  it('404 says in one line what to check', async () => {
    collector.next(answer(404), answer(404), answer(404));
    const { emitter, feed } = emitterWith();
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    await emitter.close();
    expect(log.lines.filter((line) => line.includes('check the endpoint and its path'))).toHaveLength(1);
  });
});

describe('customRetryCodes', () => {
  it('make a final answer one that is tried again, and the other way round', async () => {
    collector.next(answer(401));
    collector.otherwise = answer(500);
    const { emitter, feed, told } = emitterWith({ customRetryCodes: { 401: true, 500: false } });
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().dropped.rejected).toBe(2), 30_000);
    expect(told.filter(([what]) => what === 'drop')).toHaveLength(2);
    // The second one for both events, then one for each.
    expect(collector.requests).toHaveLength(1 + 1 + 2);
    await emitter.close();
  });

  it('are copied: what the caller changes later changes nothing', async () => {
    const customRetryCodes: Record<number, boolean> = { 500: false };
    const { emitter, feed } = emitterWith({ customRetryCodes });
    customRetryCodes[500] = true;
    collector.otherwise = answer(500);
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().dropped.rejected).toBe(2), 30_000);
    await emitter.close();
  });
});

describe('413', () => {
  const events = (): number[] => collector.requests.map((request) => request.events.length);

  it('for more than ten events halves the batch until it fits, and nothing is lost or repeated', async () => {
    collector.otherwise = (request) => answer(request.events.length > 10 ? 413 : 200);
    const { emitter, feed, told } = emitterWith({ batchSize: 250 });
    feed.offer(250);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(250), 30_000);
    // One more, because a limit that was learnt is tried again now and then.
    expect(events().filter((size) => size > 10).length).toBeLessThanOrEqual(Math.log2(250) + 2);
    expect([...collector.taken.values()]).toEqual(Array.from({ length: 250 }, () => 1));
    expect(told.filter(([what]) => what === 'drop')).toEqual([]);
    expect(told[0]).toEqual(['failure', 0, 250, { willRetry: true, status: 413 }]);
    await emitter.close();
  });

  it.each([0, 8, 16])('for one event that is too large, at place %i, drops that one alone', async (place) => {
    collector.otherwise = (request) => answer(request.body.length > 5_000 ? 413 : 200);
    const { emitter, feed, told } = emitterWith({ batchSize: 17 });
    for (let index = 0; index < 17; index++) feed.offer(1, index === place ? { title: '港'.repeat(1_900) } : {});
    const ended = { sent: 16, waiting: 0, dropped: { 'too-large': 1 } };
    await vi.waitFor(() => expect(feed.balanced()).toMatchObject(ended), 30_000);
    const large = feed.accepted[place] as string;
    expect(told.filter(([what]) => what === 'drop')).toEqual([['drop', 1, 'too-large', 'the collector answered 413']]);
    expect(collector.taken.has(large)).toBe(false);
    const needed = collector.requests.filter((request) => request.body.length <= 5_000).length;
    expect(collector.requests.length - needed).toBeLessThanOrEqual(Math.log2(17) + 1);
    await emitter.close();
  });

  it('can be made one that is tried again, or rejected', async () => {
    collector.next(answer(413), answer(200), answer(413), answer(413), answer(413));
    const again = emitterWith({ customRetryCodes: { 413: true } });
    again.feed.offer(2);
    await vi.waitFor(() => expect(again.feed.balanced().sent).toBe(2), 30_000);
    expect(events()).toEqual([2, 2]);
    const never = emitterWith({ customRetryCodes: { 413: false } });
    never.feed.offer(2);
    await vi.waitFor(() => expect(never.feed.balanced().dropped.rejected).toBe(2), 30_000);
    await Promise.all([again.emitter.close(), never.emitter.close()]);
  });
});

describe('by GET', () => {
  it('each event is decided for itself', async () => {
    collector.next(answer(400), answer(200), answer(400));
    const { emitter, feed, told } = emitterWith({ method: 'get', batchSize: 3 });
    feed.offer(3);
    await vi.waitFor(() => expect(told).toHaveLength(3), 30_000);
    expect(told).toEqual([
      ['success', 1],
      ['drop', 2, 'rejected', 'the collector answered 400'],
      ['failure', 1, 2, { willRetry: false, status: 400 }],
    ]);
    expect(feed.balanced()).toMatchObject({ sent: 1, waiting: 0, dropped: { rejected: 2 } });
    await emitter.close();
  });

  it('only the event that failed is tried again', async () => {
    collector.next(answer(500), answer(200), answer(200));
    const { emitter, feed } = emitterWith({ method: 'get', batchSize: 3 });
    feed.offer(3);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(3), 30_000);
    expect(feed.accepted.map((id) => collector.received.get(id))).toEqual([2, 1, 1]);
    await emitter.close();
  });

  it.each([413, 414])('%i drops that event alone, at once', async (status) => {
    collector.next(answer(200), answer(status), answer(200));
    const { emitter, feed } = emitterWith({ method: 'get', batchSize: 3 });
    feed.offer(3);
    await vi.waitFor(() => expect(feed.balanced()).toMatchObject({ sent: 2, dropped: { 'too-large': 1 } }), 30_000);
    expect(collector.requests).toHaveLength(3);
    await emitter.close();
  });

  it('the rest of a batch is not asked for once the collector wants to be left alone', async () => {
    collector.next(answer(200), answer(429, { 'retry-after': '30' }));
    const { emitter, feed } = emitterWith({ method: 'get', batchSize: 5 });
    feed.offer(5);
    await vi.waitFor(() => expect(feed.balanced()).toMatchObject({ sent: 1, waiting: 4 }), 30_000);
    expect(collector.requests).toHaveLength(2);
    await emitter.close({ timeoutMs: 10 });
    feed.balanced();
  });

  it('a redirect is not followed either', async () => {
    await using elsewhere = await startScriptedCollector();
    collector.next(answer(302, { location: `${elsewhere.url}/i` }));
    const { emitter, feed } = emitterWith({ method: 'get' });
    feed.offer(1);
    feed.offer(1);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    expect(elsewhere.connections).toBe(0);
    await emitter.close();
  });
});

describe('a Retry-After header', () => {
  it.each([
    ['429', '1'],
    ['503', new Date(Date.now() + 60_000).toUTCString()],
  ])('of a %i holds back a flush as well, and a close does not wait for longer than it may', async (status, header) => {
    collector.otherwise = answer(Number(status), { 'retry-after': header });
    const { emitter, feed } = emitterWith();
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().retried).toBe(2), 30_000);
    expect(await emitter.flush()).toEqual({ sent: 0, failed: 0, remaining: 2 });
    expect(collector.requests).toHaveLength(1);
    expect(await emitter.close({ timeoutMs: 300 })).toEqual({ sent: 0, failed: 2, remaining: 0 });
    expect(collector.requests).toHaveLength(1);
    feed.balanced();
  });
});

it('mixed server errors lose nothing and repeat nothing that was taken', async () => {
  const statuses = [503, 200, 200, 500, 200, 502, 200, 200, 504, 200];
  collector.otherwise = ({ index }) => answer(statuses[index % statuses.length]);
  const emitter = new AsyncEmitter(collector.url, { maxBatchSize: 20, maxRetryDelayMs: 5, logger: false });
  const feed = new Feed(emitter);
  for (let wave = 0; wave < 20; wave++) {
    feed.offer(50);
    await new Promise((resolve) => void setImmediate(resolve));
  }
  await vi.waitFor(() => expect(feed.balanced().sent).toBe(1_000), 30_000);
  expect([...collector.taken.values()].every((times) => times === 1)).toBe(true);
  for (const id of feed.accepted) expect(collector.taken.has(id)).toBe(true);
  await emitter.close();
});

it('reports hand out the events as they went over the wire, frozen', async () => {
  const seen: Payload[] = [];
  collector.next(answer(400));
  const emitter = new Emitter(collector.url, {
    batchSize: 1,
    logger: false,
    onDrop: ({ events }) => seen.push(...events),
  });
  const feed = new Feed(emitter);
  feed.offer(1);
  await vi.waitFor(() => expect(seen).toHaveLength(1), 30_000);
  const { stm: _stm, ...sent } = collector.requests[0]?.events[0] ?? {};
  expect(seen[0]).toEqual(sent);
  expect(Object.isFrozen(seen[0])).toBe(true);
  await emitter.close();
});
