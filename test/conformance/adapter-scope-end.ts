// Adapter contract: a scope answers only while its request is open, even for code that runs longer.
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { currentTracker } from '../../src/core/tracker/scope';
import { Subject } from '../../src/core/protocol/subject';
import { createTracker } from '../../src/create-tracker';
import { until } from '../support/until';
import type { Call, World } from './adapter-world';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const asked = (call: Call): string =>
  currentTracker() === call.tracker ? 'own' : currentTracker() === undefined ? 'none' : 'foreign';

/** A client with callbacks and one connection, opened by whoever asks first. */
function lazyClient(port: () => number): { ask(callback: () => void): void; end(): void } {
  let socket: Socket | undefined;
  const waiting: (() => void)[] = [];
  return {
    ask(callback) {
      socket ??= connect(port(), '127.0.0.1').on('data', (data) => {
        for (const _byte of data) waiting.shift()?.();
      });
      waiting.push(callback);
      socket.write('?');
    },
    end: () => socket?.destroy(),
  };
}

export function testScopeEnd(world: World): void {
  it('does not mistake later visitors for the one whose request opened a shared client', async () => {
    const database = createServer((socket) => void socket.on('data', (data) => socket.write(data)));
    await new Promise<void>((resolve) => database.listen(0, '127.0.0.1', resolve));
    const client = lazyClient(() => (database.address() as { port: number }).port);
    await world.start(async (call) => {
      const seen = await new Promise<string>((resolve) => client.ask(() => resolve(asked(call))));
      call.tracker.trackStructEvent({ category: 'shop', action: seen });
      return call.send(200, seen);
    });
    expect((await world.get('/r/alice')).body).toBe('own');
    for (const visitor of ['bob', 'carol']) {
      const agent = { 'user-agent': visitor };
      expect((await world.get(`/r/${visitor}`, agent)).body).toBe('none');
    }
    expect((await world.events()).map(({ se_ac, ua }) => [se_ac, ua])).toEqual([
      ['own', undefined],
      ['none', 'bob'],
      ['none', 'carol'],
    ]);
    // Twice an answer, for `asked` asks twice.
    expect(world.tracker.stats().lateLookups).toBe(4);
    client.end();
    database.close();
  });

  it.each(['answered', 'given up by its visitor'])(
    'answers to the end listeners of a request that was %s, and no more in the turn after',
    async (how) => {
      const seen: string[] = [];
      let begin: (call: Call) => void = () => {};
      const begun = new Promise<Call>((resolve) => (begin = resolve));
      let after: Promise<string> | undefined;
      await world.start((call) => {
        const { res } = call.raw;
        const held = currentTracker();
        const run = bound();
        const note = (): void => {
          seen.push(asked(call));
          queueMicrotask(() => seen.push(asked(call)));
          process.nextTick(() => seen.push(asked(call)));
          after ??= nextTurn().then(() => {
            held?.trackStructEvent({ category: 'shop', action: 'held' });
            return asked(call);
          });
        };
        // Emitted by the connection, which is no request's.
        for (const name of ['finish', 'close']) res.on(name, () => run(note));
        begin(call);
        return how === 'answered' ? call.send(200, 'ok') : new Promise(() => {});
      });
      if (how === 'answered') await world.get('/r/a');
      else {
        const client = world.open('/r/a').on('error', () => {});
        await begun;
        client.destroy();
      }
      await until('the request has ended', () => after !== undefined);
      expect(await after).toBe('none');
      expect(new Set(seen)).toEqual(new Set(['own']));
      expect(await world.events()).toMatchObject([{ se_ac: 'held', url: `${world.url}/r/a`, ip: '127.0.0.1' }]);
    },
  );

  it('stays open until the response begins, and for a minute while the body streams', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const body = new PassThrough();
      let ask: () => string = () => '';
      let begin = (): void => {};
      const begun = new Promise<void>((resolve) => (begin = resolve));
      let answer = (): void => {};
      const answered = new Promise<void>((resolve) => (answer = resolve));
      await world.start(async (call) => {
        // Called from outside of the request, as whoever goes on running in it.
        const run = bound();
        ask = () => run(() => asked(call));
        begin();
        await answered;
        return call.send(200, body, { 'content-type': 'text/plain' });
      });
      const client = world.open('/r/a');
      const headed = once(client, 'response');
      await begun;
      vi.advanceTimersByTime(600_000);
      await looked();
      expect(ask()).toBe('own');
      answer();
      body.write('first');
      await headed;
      await looked();
      expect(ask()).toBe('own');
      vi.advanceTimersByTime(30_000);
      await looked();
      expect(ask()).toBe('own');
      vi.advanceTimersByTime(31_000);
      await until('a minute has been noticed', () => ask() === 'none');
      body.end('last');
      const [response] = (await headed) as [NodeJS.ReadableStream];
      await once(response.resume(), 'end');
      expect(ask()).toBe('none');
    } finally {
      vi.useRealTimers();
    }
  });

  it('closes the tracker of a second mount with the request, and counts late calls for it', async () => {
    const audit = createTracker({ endpoint: world.collector.url, namespace: 'audit', logger: false });
    let run: ReturnType<typeof bound> | undefined;
    await world.start(
      (call) => {
        run = bound();
        return call.send(200, String(currentTracker('audit') !== undefined));
      },
      {},
      { others: [{ tracker: audit }] },
    );
    expect((await world.get('/r/a')).body).toBe('true');
    await until('the scope has closed', () => run?.(() => currentTracker()) === undefined);
    const before = audit.stats().lateLookups;
    expect(run?.(() => [currentTracker('web'), currentTracker('audit')])).toEqual([undefined, undefined]);
    expect(audit.stats().lateLookups).toBe(before + 1);
    await audit.close();
  });

  it('keeps a job separate from the request that started it, whichever ends first', async () => {
    const jobs = createTracker({ endpoint: world.collector.url, namespace: 'jobs', logger: false });
    const names = (): (string | undefined)[] =>
      ['jobs', 'web'].map((name) => currentTracker(name) && (currentTracker(name)?.subject.fields['uid'] ?? 'visitor'));
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    let long: Promise<unknown> | undefined;
    let afterShort: (string | undefined)[] = [];
    await world.start(async (call) => {
      const short = jobs.runWith(new Subject().setUserId('short'), () => bound());
      afterShort = short(names);
      long = jobs.runWith(new Subject().setUserId('long'), async () => {
        const during = names();
        await finished;
        return [during, names()];
      });
      return call.send(200, 'ok');
    });
    await world.get('/r/a');
    await world.events();
    await nextTurn();
    finish();
    expect(afterShort).toEqual([undefined, 'visitor']);
    expect(await long).toEqual([
      ['long', 'visitor'],
      ['long', undefined],
    ]);
    await jobs.close();
  });
}

/** Runs what it is given in the context in which it was made. */
function bound(): <T>(fn: () => T) => T {
  return AsyncLocalStorage.snapshot() as <T>(fn: () => T) => T;
}

/** What looks once a second has looked: its timer is due before this one, however busy the machine is. */
const looked = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_200));
