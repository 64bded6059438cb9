// A Redis that answers with a refusal: full, a replica, busy, unable to save, or set up against us. What can be drained is
// drained, what is held is sent, and no entry is lost or doubled, by whichever client.
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as Ioredis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { RedisEmitter, RedisWorker } from 'snowplow-middleware/redis';
import { Log } from '../../../src/core/logger';
import { connect, over, type Redis, type RedisClientLike } from '../../../src/redis/client/client';
import { keysOf } from '../../../src/redis/keys';
import { openIoredis, openNodeRedis } from '../../../src/redis/client/own-client';
import { RedisEventStore } from '../../../src/redis/worker/redis-event-store';
import { BEAT, DEAD_LETTER, DONE, FETCH, GIVE_BACK, TAKE_OVER } from '../../../src/redis/worker/scripts';
import { expectBalanced, sampleEvent } from '../../support/feed';
import { type RecordingCollector, startRecordingCollector } from '../../support/recording-collector';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { until } from '../../support/until';

const PATIENCE_MS = 30_000;
const all = { maxEvents: 1_000_000, maxBytes: Infinity, overhead: 0 };

interface Client {
  readonly redis: RedisClientLike;
  close(): unknown;
}

const ioredis = async (url: string): Promise<Client> => {
  const redis = new Ioredis(url).on('error', () => {});
  return { redis, close: () => redis.disconnect() };
};
const nodeRedis = async (url: string): Promise<Client> => {
  const redis = createClient({ url }).on('error', () => {});
  await redis.connect();
  return { redis: redis as unknown as RedisClientLike, close: () => redis.destroy() };
};
/** As an emitter or a worker makes it where it is given a URL. */
const own = (open: typeof openIoredis) => async (url: string) => {
  const { command, close } = over(open(url) as NonNullable<ReturnType<typeof openIoredis>>);
  return { redis: { sendCommand: (args: string[]) => command(...args) }, close };
};

const CLIENTS = {
  ioredis,
  'node-redis': nodeRedis,
  'our own of ioredis': own(openIoredis),
  'our own of node-redis': own(openNodeRedis),
} as const;

/** Brings a server into trouble; gives how to end it. */
type Trouble = (server: RedisServer) => Promise<() => Promise<unknown>>;

const isFull: Trouble = async ({ client }) => {
  await client.config('SET', 'maxmemory', '1');
  return () => client.config('SET', 'maxmemory', '0');
};
const isReplica: Trouble = async ({ client }) => {
  await client.replicaof('127.0.0.1', 1);
  return () => client.replicaof('NO', 'ONE');
};
const isBusy: Trouble = async ({ client, url }) => {
  await client.config('SET', 'lua-time-limit', '10');
  const other = new Ioredis(url);
  const running = other.eval('while true do end', 0).catch(() => {});
  await until('it is busy', async () => {
    const answer = await Promise.race([client.ping().catch(String), sleep(1_000)]);
    return String(answer).includes('BUSY');
  });
  return async () => {
    await client.script('KILL');
    await running;
    other.disconnect();
  };
};
const cannotSave: Trouble = async ({ client }) => {
  const [, folder] = (await client.config('GET', 'dir')) as [string, string];
  // A folder where the snapshot is to be put.
  const obstacle = join(folder, 'dump.rdb');
  mkdirSync(obstacle);
  await client.config('SET', 'save', '3600 1');
  const saved = async (how: 'ok' | 'err'): Promise<void> => {
    await client.bgsave().catch(() => {});
    await until('it has tried', async () =>
      (await client.info('persistence')).includes(`rdb_last_bgsave_status:${how}`),
    );
  };
  await saved('err');
  return async () => {
    rmdirSync(obstacle);
    await client.config('SET', 'save', '');
    await saved('ok');
    rmSync(obstacle);
  };
};
/** For the user that all are by default; the test's own questions need none of these. */
const forbids =
  (...commands: string[]): Trouble =>
  async ({ client }) => {
    await client.acl('SETUSER', 'default', ...commands.map((name) => `-${name}`));
    return () => client.acl('SETUSER', 'default', '+@all');
  };

const TROUBLES: Readonly<Record<string, Trouble>> = {
  'is full': isFull,
  'is a replica': isReplica,
  'runs a long script': isBusy,
  'cannot save': cannotSave,
  'forbids heartbeats': forbids('zadd'),
  'forbids scripts and pushes': forbids('eval', 'rpush'),
};

describe.skipIf(!hasRedis)('A Redis that', () => {
  let server: RedisServer;
  let collector: RecordingCollector;
  let key: string;
  const open: { close(): unknown }[] = [];
  const opened = <Closable extends { close(): unknown }>(one: Closable): Closable => {
    open.unshift(one);
    return one;
  };
  const fill = async (count: number, list = key): Promise<string[]> => {
    const events = Array.from({ length: count }, () => sampleEvent());
    await server.client.rpush(list, ...events.map((event) => JSON.stringify(event)));
    return events.map(({ eid }) => eid as string);
  };
  const start = (redis: RedisClientLike | string): RedisWorker => {
    const worker = opened(
      new RedisWorker({ redis, key, endpoint: collector.url, maxRetryDelayMs: 100, logger: false }),
    );
    void worker.run();
    return worker;
  };

  // Never a shared one: it is put into trouble.
  beforeAll(async () => {
    server = await startRedis(['--maxmemory-policy', 'noeviction']);
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    key = `list-${Math.random()}`;
    collector = await startRecordingCollector();
  });
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
    await collector.close();
  });

  describe.each(Object.entries(CLIENTS))('asked by a client %s,', (_name, client) => {
    test.each(Object.entries(TROUBLES))(
      'and %s: what a worker holds is sent, the rest later',
      async (_what, trouble) => {
        const ids = await fill(900);
        collector.answer = 503;
        const worker = start(opened(await client(server.url)).redis);
        await until('it holds some', () => worker.stats().retried > 0 && worker.stats().recovered === 500, PATIENCE_MS);
        const end = await trouble(server);
        collector.answer = 200;
        await collector.waitFor(500);
        await end();
        await collector.waitFor(900);
        expect([...collector.taken.keys()].toSorted()).toEqual(ids.toSorted());
        expect(new Set(collector.taken.values())).toEqual(new Set([1]));
        await until(
          'Redis knows',
          async () => (await server.client.keys(`{${key}}:processing:*`)).length === 0,
          PATIENCE_MS,
        );
        expectBalanced(worker, 0);
        expect((await server.client.lrange(`{${key}}:dead`, 0, -1)).length).toBe(0);
      },
    );

    test.each(Object.entries(TROUBLES))(
      'and %s: what an emitter accepts is kept until it is taken',
      async (_what, trouble) => {
        const { redis } = opened(await client(server.url));
        const emitter = opened(new RedisEmitter({ redis, key, maxRetryDelayMs: 100, logger: false }));
        const end = await trouble(server);
        for (let count = 0; count < 300; count++) expect(emitter.input(sampleEvent())).toBe(true);
        await emitter.flush({ timeoutMs: 300 });
        await end();
        await until('all are there', () => emitter.stats().sent === 300, PATIENCE_MS);
        const ids = (await server.client.lrange(key, 0, -1)).map((entry) => (JSON.parse(entry) as { eid: string }).eid);
        expect(new Set(ids).size).toBe(300);
        expect(ids).toHaveLength(300);
      },
    );

    test('and is full for good is drained all the same, rejected events and foreign entries too', async () => {
      const ids = await fill(1_500);
      const rejected = (await fill(5, `${key}:anonymous`)).slice(0, 5);
      await server.client.rpush(key, 'poison', 'x'.repeat(1024 * 1024 + 1));
      collector.answer = (eids) => (eids.some((eid) => rejected.includes(eid)) ? 400 : 200);
      const end = await isFull(server);
      try {
        start(opened(await client(server.url)).redis);
        await collector.waitFor(1_500);
        await until(
          'the others are laid aside',
          async () => {
            const lists = keysOf(key).map(({ dead }) => server.client.llen(dead));
            return (await Promise.all(lists)).join() === '2,5';
          },
          PATIENCE_MS,
        );
        await until(
          'nothing is left',
          async () => (await server.client.keys(`{${key}*processing:*`)).length === 0,
          PATIENCE_MS,
        );
        expect([...collector.taken.keys()].toSorted()).toEqual(ids.toSorted());
      } finally {
        await end();
      }
    });
  });

  test('loads its data after a kill: what a worker holds is sent meanwhile, the rest afterwards', async () => {
    const slow = opened(await startRedis(['--appendonly', 'yes', '--key-load-delay', '500']));
    const events = Array.from({ length: 900 }, () => sampleEvent());
    await slow.client.rpush(key, ...events.map((event) => JSON.stringify(event)));
    for (let count = 0; count < 1_000; count++) void slow.client.set(`other-${count}`, '1');
    await slow.client.ping();
    collector.answer = 503;
    const worker = start(slow.url);
    await until('it holds some', () => worker.stats().retried > 0 && worker.stats().recovered === 500, PATIENCE_MS);
    await slow.kill();
    const back = slow.restart();
    collector.answer = 200;
    await collector.waitFor(500);
    await back;
    await collector.waitFor(900);
    await worker.close();
    expect(new Set(collector.taken.values())).toEqual(new Set([1]));
    expect(await slow.client.llen(key)).toBe(0);
  });

  test.each([
    ['ioredis', openIoredis],
    ['node-redis', openNodeRedis],
  ] as const)(
    'was a primary and is a replica now is left by a client of ours for the new primary: %s',
    async (_name, client) => {
      const [first, second] = [opened(await startRedis()), opened(await startRedis())];
      await second.client.replicaof('127.0.0.1', first.port);
      const address = opened(await startAddress(first.port));
      const worker = start(opened(await own(client)(address.url)).redis);
      const emitter = opened(
        new RedisEmitter({
          redis: opened(await own(client)(address.url)).redis,
          key,
          maxRetryDelayMs: 100,
          logger: false,
        }),
      );
      const offer = async (count: number): Promise<void> => {
        for (let left = count; left > 0; left--) expect(emitter.input(sampleEvent())).toBe(true);
        await emitter.flush();
      };
      await offer(100);
      await collector.waitFor(100);
      await until(
        'both have the same',
        async () => {
          const [one, two] = await Promise.all([first, second].map((each) => each.client.info('replication')));
          return (
            /master_repl_offset:(\d+)/.exec(one as string)?.[1] === /slave_repl_offset:(\d+)/.exec(two as string)?.[1]
          );
        },
        PATIENCE_MS,
      );
      // Connections that are there stay: it is for the client to leave.
      await second.client.replicaof('NO', 'ONE');
      await first.client.replicaof('127.0.0.1', second.port);
      address.leadTo(second.port);
      await offer(100);
      await collector.waitFor(200);
      expect(new Set(collector.taken.values())).toEqual(new Set([1]));
      await until('it knows', () => worker.stats().sent === 200, PATIENCE_MS);
    },
  );

  test('does not answer at all stops the sending in time; one that refuses afterwards does not start it', async () => {
    const ids = await fill(10);
    const redis = connect('test', server.url);
    opened(redis);
    let fails: Error | undefined;
    const command: Redis['command'] = async (...args) => {
      if (fails) throw fails;
      return redis.command(...args);
    };
    const store = opened(new RedisEventStore({ command, close: async () => {} }, key, 500, new Log(false)));
    await store.beat();
    await store.fetch();
    const now = performance.now.bind(performance);
    let later = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + later);
    try {
      // Refused again and again, for longer than others would wait.
      fails = new Error("READONLY You can't write against a read only replica.");
      for (; later < 40_000; later += 10_000) await store.beat();
      await store.take({ ...all, maxEvents: 1 })?.nack();
      fails = new Error('Connection is closed.');
      for (const until = later + 20_000; later < until; later += 5_000)
        await expect(store.beat()).rejects.toThrow('closed');
      expect(store.take(all)).toBeUndefined();
      fails = new Error('BUSY Redis is busy running a script.');
      await store.beat();
      expect(store.take(all)).toBeUndefined();
      fails = undefined;
      await store.beat();
      await store.fetch();
      expect(store.take(all)?.events.map(({ eventId }) => eventId)).toEqual(ids);
    } finally {
      vi.restoreAllMocks();
    }
  });

  test('refuses one of the two lists keeps no worker from the other, also when it was late', async () => {
    const redis = opened(connect('test', server.url));
    const store = opened(new RedisEventStore(redis, key, 500, new Log(false)));
    const [ids, anonymous] = [await fill(10), await fill(10, `${key}:anonymous`)];
    await store.beat();
    await store.fetch();
    const workers = `{${key}:anonymous}:workers`;
    await server.client.rename(workers, `${workers}:aside`);
    await server.client.set(workers, 'no sorted set');
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 20_000);
    try {
      await store.beat();
      expect(store.take(all)?.events.map(({ eventId }) => eventId)).toEqual(ids);
      expect(store.take(all)).toBeUndefined();
      // What it left there is found again, by itself or by another.
      await server.client.rename(`${workers}:aside`, workers);
      await store.beat();
      await store.fetch();
      expect(store.take(all)?.events.map(({ eventId }) => eventId)).toEqual(anonymous);
    } finally {
      vi.restoreAllMocks();
    }
  });

  test('refuses one of the two lists holds up nothing of the other', async () => {
    const ids = await fill(1_200);
    await server.client.set(`${key}:anonymous`, 'no list');
    await server.client.set(`{${key}:anonymous}:workers`, 'no sorted set');
    start(server.url);
    await collector.waitFor(ids.length);
    expect(new Set(collector.taken.values())).toEqual(new Set([1]));
  });

  test('allows no more than the documents ask for is enough', async () => {
    const page = readFileSync('docs/outgrowing-one-machine.md', 'utf8').replaceAll(/\s+/g, ' ');
    const [, emitters = '', workers = ''] = /an emitter needs (.*?); that of a worker (.*?)\. /.exec(page) ?? [];
    const rights = (words: string): string[] =>
      (words.match(/[A-Z]{3,}/g) ?? []).map((name) => `+${name.toLowerCase()}`);
    const urlFor = async (name: string, words: string): Promise<string> => {
      await server.client.acl('SETUSER', name, 'on', '>word', `~${key}*`, `~{${key}*`, '-@all', ...rights(words));
      return server.url.replace('//', `//${name}:word@`);
    };
    const producer = await urlFor('producer', emitters);
    const emitter = opened(new RedisEmitter({ redis: producer, key, maxRetryDelayMs: 100, logger: false }));
    for (let count = 0; count < 100; count++) emitter.input(sampleEvent());
    expect(await emitter.flush()).toEqual({ sent: 100, failed: 0, remaining: 0 });
    const lost = JSON.stringify(sampleEvent());
    await server.client.zadd(`{${key}}:workers`, '0', 'dead');
    await server.client.hset(`{${key}}:processing:dead`, '0', lost, '1', 'poison');
    await server.client.hset(
      `{${key}}:deaths`,
      (await server.client.eval('return redis.sha1hex(ARGV[1])', 0, lost)) as string,
      '4',
    );
    const worker = start(await urlFor('consumer', workers));
    await collector.waitFor(100);
    await until(
      'the others are laid aside',
      async () => (await server.client.llen(`{${key}}:dead`)) === 2,
      PATIENCE_MS,
    );
    await worker.close();
    expect(worker.stats()).toMatchObject({ sent: 100, waiting: 0 });
    const left = await server.client.keys(`*${key}*`);
    expect(left.filter((name) => !/:(workers|dead|deaths|taken:dead)$/.test(name))).toEqual([]);
  });

  describe('forbids a command in the middle of a script', () => {
    const COMMANDS = ['del', 'exists', 'expire', 'hdel', 'hget', 'hincrby', 'hkeys', 'hlen', 'hset', 'lindex', 'lpush', 'ltrim', 'rpush', 'set', 'time', 'zadd', 'zrangebyscore', 'zrem', 'zscore']; // prettier-ignore
    const [names] = keysOf('script') as [ReturnType<typeof keysOf>[0], unknown];
    const { source, workers, deaths, dead } = names;
    const processing = names.processing('w');
    const taken = names.taken('w');
    const entries = ['a', 'b', 'c', 'd', 'x'.repeat(50)];
    const run: Readonly<Record<string, () => [string, string[], string[]]>> = {
      FETCH: () => [FETCH, [source, processing, deaths, dead, workers], ['10', '2', '20', '40', 'w']],
      DONE: () => [DONE, [processing, deaths], []],
      DEAD_LETTER: () => [DEAD_LETTER, [processing, deaths, dead], ['0', '1']],
      BEAT: () => [BEAT, [workers, taken, processing], ['w']],
      GIVE_BACK: () => [GIVE_BACK, [workers, processing, source], ['w']],
      TAKE_OVER: () => [TAKE_OVER, [workers, processing, source, deaths, dead, taken], ['w']],
    };
    const where = async (): Promise<string[]> => {
      const { client } = server;
      const lists = await Promise.all([
        client.lrange(source, 0, -1),
        client.lrange(dead, 0, -1),
        client.hvals(processing),
      ]);
      return lists.flat().toSorted();
    };

    test.each(Object.keys(run))(
      '%s loses no entry and doubles none, and succeeds when it is allowed again',
      async (name) => {
        const { client } = server;
        await client.acl('SETUSER', 'worker', 'on', 'nopass', '~*', '+@all');
        const user = new Ioredis(server.url, { username: 'worker', password: 'any' });
        opened({ close: () => user.disconnect() });
        const [script, keys, args] = (run[name] as () => [string, string[], string[]])();
        for (const trouble of [...COMMANDS.map((command) => `-${command}`), 'full']) {
          await client.del(source, dead, processing, deaths, workers, taken);
          await client.rpush(source, ...entries.slice(2));
          await client.hset(processing, '0', 'a', '1', 'b');
          const sha = (await client.eval("return redis.sha1hex('a')", 0)) as string;
          await client.hset(deaths, sha, '4');
          await client.zadd(workers, '0', 'w');
          await client.set(taken, '1');
          if (trouble === 'full') await client.config('SET', 'maxmemory', '1');
          else await client.acl('SETUSER', 'worker', trouble);
          const failure = await user.eval(script, keys.length, ...keys, ...args).then(() => undefined, String);
          if (trouble === 'full') expect(failure).toBeUndefined();
          expect(await where(), `${trouble}: ${failure}`).toEqual(entries);
          // Whoever has entries is known, so that others find them.
          if ((await client.exists(processing)) === 1)
            expect(await client.zscore(workers, 'w'), trouble).not.toBeNull();
          if (failure !== undefined) {
            if (name === 'BEAT') expect(await client.exists(taken), trouble).toBe(1);
            await client.acl('SETUSER', 'worker', '+@all');
            await user.eval(script, keys.length, ...keys, ...args);
            expect(await where(), `after ${trouble}`).toEqual(entries);
          }
          await client.config('SET', 'maxmemory', '0');
        }
      },
    );
  });
});

/** An address that leads to one server and then to another, as a name or a proxy in front of a pair does. */
async function startAddress(port: number): Promise<{ url: string; leadTo(port: number): void; close(): void }> {
  let target = port;
  const sockets = new Set<Socket>();
  const address = createServer((socket) => {
    const server = connectSocket(target, '127.0.0.1');
    for (const each of [socket, server]) sockets.add(each.on('error', () => {}));
    socket.pipe(server).pipe(socket);
  });
  await once(address.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `redis://127.0.0.1:${(address.address() as { port: number }).port}`,
    leadTo: (other) => void (target = other),
    close() {
      for (const socket of sockets) socket.destroy();
      address.close();
    },
  };
}
