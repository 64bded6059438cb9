// Connections that break, hang, drip or go stale: what is repeated, what is cut, and what is left open.
import { once } from 'node:events';
import net, { createServer } from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { AsyncEmitter, Emitter, type EmitterOptions } from 'snowplow-middleware';
import { Agent, interceptors, Pool } from 'undici';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Child } from '../../support/child';
import { KeptLog } from '../../support/engine';
import { Feed } from '../../support/feed';
import {
  answer,
  dripBody,
  dripHeaders,
  endlessBody,
  hang,
  hangUp,
  headersThenReset,
  onceReady,
  raw,
  reset,
  type ScriptedCollector,
  startScriptedCollector,
} from '../../support/scripted-collector';
import { SELF_SIGNED_CERTIFICATE } from '../../support/self-signed';

const BUILT = join(__dirname, '../../../dist/index.js');

let collector: ScriptedCollector;
beforeEach(async () => void (collector = await startScriptedCollector()));
afterEach(() => collector.close());

function emitterWith(options: Partial<EmitterOptions> = {}, url = collector.url) {
  const failures: string[] = [];
  const emitter = new Emitter(url, {
    batchSize: 2,
    maxRetryDelayMs: 20,
    logger: false,
    onFailure: (_sent, _unsent, { error }) => failures.push(error?.message ?? ''),
    ...options,
  });
  return { emitter, feed: new Feed(emitter), failures };
}

/** Sends two events and waits until the collector's answer has been read. */
async function warmUp(feed: Feed): Promise<void> {
  const before = feed.balanced().sent;
  feed.offer(2);
  await vi.waitFor(() => expect(feed.balanced().sent).toBe(before + 2), 30_000);
}

const requests = (): number => collector.requests.length;
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('a connection that breaks', () => {
  it.each([
    ['before anything is read', 'connect'],
    ['by a reset after the request was read', 'reset'],
    ['in good order after the request was read', 'end'],
    ['by an answer that is no HTTP', 'junk'],
  ])('%s keeps the events, and they arrive once', async (_what, how) => {
    await using broken = await startScriptedCollector({
      connect: (n) => (how === 'connect' && n === 0 ? 'reset' : 'accept'),
    });
    if (how !== 'connect')
      broken.next(how === 'reset' ? reset() : how === 'end' ? hangUp() : raw('220 mail ready\r\n\r\n'));
    const { emitter, feed, failures } = emitterWith({}, broken.url);
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    expect(failures).toHaveLength(1);
    expect([...broken.taken.values()]).toEqual([1, 1]);
    await emitter.close();
  });

  it('after the events were committed repeats that batch alone, with the same ids', async () => {
    collector.next(reset({ commits: true }));
    const { emitter, feed } = emitterWith({ maxBatchSize: 2 });
    feed.offer(6);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(6), 30_000);
    expect(feed.accepted.map((id) => collector.taken.get(id))).toEqual([2, 2, 1, 1, 1, 1]);
    await emitter.close();
  });

  it('every third time after committing repeats no more than those batches', async () => {
    let resets = 0;
    collector.otherwise = ({ index }) => (index % 3 === 2 && ++resets ? reset({ commits: true }) : answer(200));
    const emitter = new AsyncEmitter(collector.url, {
      maxBatchSize: 10,
      maxRetryDelayMs: 5,
      threadCount: 1,
      logger: false,
    });
    const feed = new Feed(emitter);
    feed.offer(100);
    feed.offer(100);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(200), 30_000);
    const repeated = [...collector.taken.values()].reduce((total, times) => total + times - 1, 0);
    expect(repeated).toBe(resets * 10);
    for (const id of feed.accepted) expect(collector.taken.has(id)).toBe(true);
    await emitter.close();
  });

  it.each([200, 204])('after the headers of a %i is a success all the same', async (status) => {
    collector.next(headersThenReset(status));
    const { emitter, feed, failures } = emitterWith();
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    await warmUp(feed);
    expect([failures, [...collector.taken.values()]]).toEqual([[], [1, 1, 1, 1]]);
    await emitter.close();
  });
});

describe('a connection that was idle and is dead when it is used again', () => {
  it.each(['reset', 'hang up'])('by a %s costs an immediate repeat and no failure', async (how) => {
    const { emitter, feed, failures } = emitterWith({ maxRetryDelayMs: 60_000 });
    await warmUp(feed);
    collector.next(how === 'reset' ? reset() : hangUp());
    await warmUp(feed);
    expect(failures).toEqual([]);
    expect(feed.balanced()).toMatchObject({ sent: 4, retried: 0 });
    expect([requests(), collector.connections]).toEqual([3, 2]);
    await emitter.close();
  });

  it('is found out for several at once', async () => {
    let release = (): void => {};
    const both = new Promise<void>((resolve) => void (release = resolve));
    collector.otherwise = onceReady(both, answer(200));
    const failures: unknown[] = [];
    const emitter = new AsyncEmitter(collector.url, {
      batchSize: 2, maxBatchSize: 2, threadCount: 3, logger: false, onFailure: () => failures.push(1),
    }); // prettier-ignore
    const feed = new Feed(emitter);
    feed.offer(6);
    await collector.requested(3);
    release();
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(6), 30_000);
    collector.otherwise = ({ connection }) => (connection < 3 ? reset() : answer(200));
    feed.offer(6);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(12), 30_000);
    expect(failures).toEqual([]);
    await emitter.close();
  });

  it('says nothing of a fresh one: that failing is a failure', async () => {
    const { emitter, feed, failures } = emitterWith({ maxRetryDelayMs: 20 });
    await warmUp(feed);
    collector.next(reset(), reset());
    await warmUp(feed);
    expect(failures).toHaveLength(1);
    expect(requests()).toBe(4);
    await emitter.close();
  });

  it('is not met when the server closes idle connections and says so', async () => {
    await using closing = await startScriptedCollector({ idleCloseMs: 5 });
    const { emitter, feed, failures } = emitterWith({}, closing.url);
    for (let round = 0; round < 20; round++) {
      await warmUp(feed);
      await new Promise((resolve) => void setTimeout(resolve, 3 + (round % 5)));
    }
    expect(failures).toEqual([]);
    expect([...closing.taken.values()].every((times) => times === 1)).toBe(true);
    await emitter.close();
    expect(feed.balanced().sent).toBe(40);
  });
});

describe('a connection that is a minute old', () => {
  it.each([
    ['goes on', 61_000],
    ['is set back by an hour', -3_600_000],
  ])('is not used again, and its end disturbs no request, when the clock %s', async (_what, wallMs) => {
    const { emitter, feed, failures } = emitterWith();
    await warmUp(feed);
    const monotonic = performance.now.bind(performance);
    const wall = Date.now;
    vi.spyOn(performance, 'now').mockImplementation(() => monotonic() + 61_000);
    vi.spyOn(Date, 'now').mockImplementation(() => wall() + wallMs);
    await warmUp(feed);
    await vi.waitFor(() => expect([collector.isOpen(0), collector.isOpen(1)]).toEqual([false, true]), 30_000);
    expect(failures).toEqual([]);
    vi.restoreAllMocks();
    await emitter.close();
    await vi.waitFor(() => expect(collector.open).toBe(0), 30_000);
  });

  it('ends its request first', async () => {
    let release = (): void => {};
    collector.next(onceReady(new Promise<void>((resolve) => void (release = resolve)), answer(200)));
    const emitter = new AsyncEmitter(collector.url, { batchSize: 2, maxBatchSize: 2, threadCount: 2, logger: false });
    const feed = new Feed(emitter);
    feed.offer(2);
    await collector.requested(1);
    const monotonic = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => monotonic() + 61_000);
    await warmUp(feed);
    expect(collector.requests.map(({ connection }) => connection)).toEqual([0, 1]);
    release();
    await vi.waitFor(() => expect(feed.balanced()).toMatchObject({ sent: 4, retried: 0 }), 30_000);
    await vi.waitFor(() => expect(collector.isOpen(0)).toBe(false), 30_000);
    vi.restoreAllMocks();
    await emitter.close();
  });
});

it.each([
  ['http', 10_000, 2_500],
  ['https', { connect: 800, response: 5_000 }, 200],
])('an address of several is tried for a quarter of the time to connect, over %s', async (scheme, limit, expected) => {
  const opened = vi.spyOn(scheme === 'http' ? net : tls, 'connect');
  const { emitter, feed } = emitterWith({ requestTimeoutMs: limit }, collector.url.replace('http', scheme));
  feed.offer(2);
  await vi.waitFor(() => expect(opened).toHaveBeenCalled(), 30_000);
  const settings = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: expected };
  expect(opened.mock.calls[0]?.[0]).toMatchObject(settings);
  vi.restoreAllMocks();
  await emitter.close({ timeoutMs: 10 });
});

describe('a collector that does not answer', () => {
  it('is given up after the time-out, and the events are sent again', async () => {
    collector.next(hang());
    const { emitter, feed, failures } = emitterWith({ requestTimeoutMs: 100 });
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    expect(failures).toEqual(['no answer from the collector within 100 ms']);
    expect(collector.connections).toBe(2);
    await emitter.close();
  });

  it('is given up after the time for the response, where the two parts have limits of their own', async () => {
    collector.next(hang());
    const { emitter, feed, failures } = emitterWith({ requestTimeoutMs: { connect: 30_000, response: 100 } });
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    expect(failures).toEqual(['no answer from the collector within 100 ms']);
    await emitter.close();
  });

  it('but sends header after header is cut off as well', async () => {
    collector.next(dripHeaders(5));
    const { emitter, feed, failures } = emitterWith({ requestTimeoutMs: 100 });
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    expect(failures).toHaveLength(1);
    await vi.waitFor(() => expect(collector.isOpen(0)).toBe(false), 30_000);
    await emitter.close();
  });

  it('does not hang a close', async () => {
    collector.otherwise = hang();
    const { emitter, feed } = emitterWith();
    feed.offer(2);
    await collector.requested(1);
    expect(await emitter.close({ timeoutMs: 50 })).toEqual({ sent: 0, failed: 2, remaining: 0 });
    feed.balanced();
    await vi.waitFor(() => expect(collector.open).toBe(0), 30_000);
  });

  it('never has more requests open than it may, and the buffer stays bounded', async () => {
    collector.otherwise = hang();
    const emitter = new AsyncEmitter(collector.url, {
      maxBatchSize: 10,
      threadCount: 3,
      bufferCapacity: 500,
      logger: false,
    });
    const feed = new Feed(emitter);
    feed.offer(2_000);
    await collector.requested(3);
    feed.offer(2_000);
    await turn();
    await turn();
    expect([requests(), collector.open]).toEqual([3, 3]);
    expect(feed.balanced()).toMatchObject({ accepted: 500, inFlight: 30, waiting: 470, refused: { full: 3_500 } });
    await emitter.close({ timeoutMs: 20 });
    expect(feed.balanced().dropped.shutdown).toBe(500);
  });
});

describe('an answer without end', () => {
  it('that drips is a success at once, and does not hold up what comes after it', async () => {
    collector.next(dripBody(5));
    const { emitter, feed, failures } = emitterWith({ requestTimeoutMs: 10_000 });
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(4), 30_000);
    expect(failures).toEqual([]);
    expect([...collector.taken.values()]).toEqual([1, 1, 1, 1]);
    await vi.waitFor(() => expect(collector.isOpen(0)).toBe(false), 30_000);
    await emitter.close();
  });

  it('that floods is cut off after 64 KB', async () => {
    let written = 0;
    collector.next(endlessBody((bytes) => (written = bytes)));
    const { emitter, feed, failures } = emitterWith();
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    await vi.waitFor(() => expect(collector.isOpen(0)).toBe(false), 30_000);
    // What lies in socket buffers by then was written, but not read.
    expect(written).toBeLessThan(8 * 1024 * 1024);
    expect(failures).toEqual([]);
    await warmUp(feed);
    await emitter.close();
  });

  it('is a failure when its status is one', async () => {
    collector.next(raw('HTTP/1.1 500 No\r\ncontent-length: 1000000\r\n\r\nx'));
    const { emitter, feed, failures } = emitterWith({ requestTimeoutMs: 400 });
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    expect(failures).toEqual(['the collector answered 500']);
    await emitter.close();
  });
});

it('a blocked event loop does not abort a request that was answered meanwhile', async () => {
  const { emitter, feed, failures } = emitterWith({ requestTimeoutMs: 150 });
  await warmUp(feed);
  let release = (): void => {};
  collector.next(onceReady(new Promise<void>((resolve) => void (release = resolve)), answer(200)));
  feed.offer(2);
  await collector.requested(2);
  // The answer is written now; nobody reads it until the time-out is long over.
  release();
  await Promise.resolve();
  const until = performance.now() + 400;
  while (performance.now() < until);
  await vi.waitFor(() => expect(feed.balanced().sent).toBe(4), 30_000);
  expect([failures, requests()]).toEqual([[], 2]);
  await emitter.close();
});

describe('a collector that is not there', () => {
  it('is asked again and again, with one line in the log, until it is', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as { port: number };
    free.close();
    const log = new KeptLog();
    const { emitter, feed, failures } = emitterWith({ logger: log }, `http://127.0.0.1:${port}`);
    feed.offer(2);
    await vi.waitFor(() => expect(failures.length).toBeGreaterThan(2), 30_000);
    await using late = await startScriptedCollector();
    await late.close();
    await late.listen(port);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    expect(log.lines.filter((line) => line.includes('could not be sent'))).toHaveLength(1);
    expect(log.lines.join()).toContain('ECONNREFUSED');
    await emitter.close();
  });

  it('under a name with several addresses is reported with a reason', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as { port: number };
    free.close();
    const { emitter, feed } = emitterWith({}, `http://localhost:${port}`);
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().lastError?.message).toContain('ECONNREFUSED'), 30_000);
    await emitter.close({ timeoutMs: 10 });
  });

  it('or has no address is a failure like others', async () => {
    const { emitter, feed } = emitterWith({}, 'http://no-such-host.invalid');
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().lastError?.message).toMatch(/ENOTFOUND|EAI_AGAIN/), 30_000);
    expect(feed.balanced().waiting + feed.balanced().inFlight).toBe(2);
    await emitter.close({ timeoutMs: 10 });
  });
});

describe('over TLS', () => {
  it('a certificate that nobody vouches for keeps the events; nothing is sent in clear', async () => {
    await using secure = await startScriptedCollector({ tls: true });
    const { emitter, feed, failures } = emitterWith({}, secure.url);
    feed.offer(2);
    await vi.waitFor(() => expect(failures.length).toBeGreaterThan(0), 30_000);
    expect(failures[0]).toMatch(/self.signed/);
    expect(feed.balanced()).toMatchObject({ sent: 0 });
    expect(secure.requests).toEqual([]);
    await emitter.close({ timeoutMs: 10 });
    feed.balanced();
  });

  it('a dispatcher of the user that trusts it delivers, and stays open when the emitter closes', async () => {
    await using secure = await startScriptedCollector({ tls: true });
    const dispatcher = new Agent({ connect: { ca: SELF_SIGNED_CERTIFICATE } });
    const { emitter, feed } = emitterWith({ dispatcher }, secure.url);
    feed.offer(2);
    await vi.waitFor(() => expect(feed.balanced().sent).toBe(2), 30_000);
    await emitter.close();
    expect(dispatcher.closed || dispatcher.destroyed).toBe(false);
    const { statusCode, body } = await dispatcher.request({ origin: secure.url, path: '/', method: 'GET' });
    await body.dump();
    expect(statusCode).toBe(200);
    await dispatcher.close();
  });
});

describe("a dispatcher of the user's", () => {
  it('has its request in flight ended by the close, without being closed itself', async () => {
    collector.otherwise = hang();
    const dispatcher = new Pool(collector.url);
    const { emitter, feed } = emitterWith({ dispatcher });
    feed.offer(2);
    await collector.requested(1);
    expect(await emitter.close({ timeoutMs: 30 })).toEqual({ sent: 0, failed: 2, remaining: 0 });
    await vi.waitFor(() => expect(collector.isOpen(0)).toBe(false), 30_000);
    expect(dispatcher.destroyed).toBe(false);
    feed.balanced();
    await dispatcher.destroy();
  });

  it('has a broken connection taken for a failure each time: nothing is known of it', async () => {
    const dispatcher = new Agent();
    const { emitter, feed, failures } = emitterWith({ dispatcher });
    await warmUp(feed);
    collector.next(reset({ commits: true }));
    await warmUp(feed);
    expect(failures).toHaveLength(1);
    await emitter.close();
    await dispatcher.close();
  });

  it('is tried when the emitter is made, without a request', async () => {
    const own = new Agent();
    const named = [own, new Pool(collector.url), own.compose(interceptors.retry(), interceptors.dns())];
    for (const dispatcher of named) await new Emitter(collector.url, { dispatcher }).close();
    expect(collector.connections).toBe(0);
    const older = {
      dispatch: (_options: unknown, handler: object) => {
        if (!('onError' in handler)) throw new Error('invalid onError method');
        return true;
      },
    };
    for (const Kind of [Emitter, AsyncEmitter])
      expect(() => new Kind(collector.url, { dispatcher: older })).toThrow(
        `${Kind.name}: dispatcher must be a dispatcher of undici 7 or 8, got one of an older undici`,
      );
    await Promise.all(named.map((dispatcher) => dispatcher.close()));
  });

  it("may be Node's own where that is new enough, and is refused at once where it is not", async () => {
    const child = Child.program(`
      fetch(${JSON.stringify(collector.url)}).catch(() => {}).then(() => {
        const { Emitter } = require(${JSON.stringify(BUILT)});
        const dispatcher = globalThis[Symbol.for('undici.globalDispatcher.1')];
        const emitter = new Emitter(${JSON.stringify(collector.url)}, { dispatcher });
        emitter.input({ e: 'pv', p: 'srv', tv: 't', eid: 'a0000000-0000-4000-8000-000000000000' });
        return emitter.flush();
      }).then(({ sent }) => console.log('sent', sent), (error) => console.log(error.code));`);
    await child.exited;
    const isOld = Number.parseInt(process.versions['undici'] ?? '', 10) < 7;
    expect(child.output.trim()).toBe(isOld ? 'ERR_SNOWPLOW_CONFIG' : 'sent 1');
  });

  it('can be shared by many emitters: none leaves a listener on it', async () => {
    const dispatcher = new Agent();
    const before = dispatcher.eventNames().map((name) => dispatcher.listenerCount(name));
    for (let count = 0; count < 20; count++) await new Emitter(collector.url, { dispatcher }).close();
    expect(dispatcher.eventNames().map((name) => dispatcher.listenerCount(name))).toEqual(before);
    await dispatcher.close();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no dispatch');
      },
    ],
    ['never calls back', () => true],
  ])('that %s is a failure like others, and a close ends', async (_what, dispatch) => {
    const { emitter, feed, failures } = emitterWith({ dispatcher: { dispatch }, requestTimeoutMs: 50 });
    feed.offer(2);
    await vi.waitFor(() => expect(failures.length).toBeGreaterThan(0), 30_000);
    expect(failures[0]).toMatch(/no dispatch|no answer/);
    await emitter.close({ timeoutMs: 20 });
    expect(feed.balanced().dropped.shutdown).toBe(2);
  });
});

it('a closed emitter leaves no handle open', async () => {
  const open = (): string[] =>
    process
      .getActiveResourcesInfo()
      .filter((kind) => /Timeout|Immediate|TCPSocketWrap|TCPConnectWrap|TLSWrap/.test(kind))
      .toSorted();
  await turn();
  const before = open();
  for (const reaction of [answer(200), answer(503), hang(), reset(), dripBody(5)]) {
    collector.otherwise = reaction;
    const { emitter, feed } = emitterWith();
    feed.offer(5);
    await emitter.close({ timeoutMs: 50 });
    feed.balanced();
  }
  await vi.waitFor(() => expect(collector.open).toBe(0), 30_000);
  await vi.waitFor(() => expect(open().length).toBeLessThanOrEqual(before.length), 30_000);
});
