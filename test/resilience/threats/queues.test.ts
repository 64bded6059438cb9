// Redis and job queues: their contents belong to the visitors, and anyone who can write there is untrusted.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BullMqEmitter, createProcessor } from '../../../src/bullmq';
import { RedisEmitter, RedisWorker } from '../../../src/redis';
import { sampleEvent } from '../../support/feed';
import { type RecordingCollector, startRecordingCollector } from '../../support/recording-collector';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { until } from '../../support/until';
import { Ear } from './ear';

const CANARY = 'c4n4ry';

describe.skipIf(!hasRedis)('T28: what lies in Redis or in a job', () => {
  let ear: Ear;
  let server: RedisServer;
  let collector: RecordingCollector;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    ear = new Ear();
    collector = await startRecordingCollector();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await collector.close();
  });

  it('never comes with the credentials of Redis: no line, no statistic and no error names them', async () => {
    const { logger } = ear;
    const stranger = server.url.replace('//', `//${CANARY}:${CANARY}@`);
    const nobody = `redis://${CANARY}:${CANARY}@127.0.0.1:1/${CANARY}`;
    for (const redis of [stranger, nobody]) {
      const emitter = new RedisEmitter({ redis, logger });
      emitter.input(sampleEvent());
      await emitter.flush();
      const worker = new RedisWorker({ redis, endpoint: collector.url, logger });
      const running = worker.run();
      await until('it has tried', () => ear.heard.includes('cannot read from Redis'));
      const reports = [emitter.stats(), await emitter.close({ timeoutMs: 0 }), worker.stats(), await worker.close()];
      await running;
      expect(JSON.stringify(reports)).not.toContain(CANARY);
    }
    const queue = {
      add: (): never => {
        throw new Error(`connect ECONNREFUSED ${nobody}`);
      },
    };
    const emitter = new BullMqEmitter({ queue, logger });
    emitter.input(sampleEvent());
    await emitter.flush();
    expect(JSON.stringify([emitter.stats(), await emitter.close({ timeoutMs: 0 })])).not.toContain(CANARY);
    expect(ear.heard).toContain('could not be sent');
    expect(ear.heard).not.toContain(CANARY);
  });

  it('is not named by the error of a job that failed, which the queue keeps', async () => {
    const processor = createProcessor({ endpoint: collector.url, logger: ear.logger });
    for (const status of [503, 400]) {
      collector.answer = status;
      const event = { ...sampleEvent(), uid: CANARY, ua: CANARY, url: `https://shop.test/${CANARY}` };
      const failure = await processor({ data: { anonymous: false, events: [event] } }).then(String, String);
      expect(failure).toMatch(/1 events (could not be sent|can never be delivered)/);
      expect(failure).not.toContain(CANARY);
    }
    expect(ear.heard).not.toContain(CANARY);
  });

  it('does not lie there for ever when it can never be delivered', async () => {
    const key = `letters-${Math.random()}`;
    collector.answer = 400;
    await server.client.rpush(key, 'poison', JSON.stringify(sampleEvent()), 'x'.repeat(1024 * 1024 + 1));
    const worker = new RedisWorker({ redis: server.url, key, endpoint: collector.url, logger: false });
    const running = worker.run();
    const dead = `{${key}}:dead`;
    await until('all are laid aside', async () => (await server.client.llen(dead)) === 3);
    const month = 30 * 24 * 3600;
    expect(await server.client.ttl(dead)).toBeGreaterThan(month - 60);
    expect(await server.client.ttl(dead)).toBeLessThanOrEqual(month);
    await worker.close();
    await running;
  });

  it('is in clear, and the documents say what that asks for', () => {
    const page = readFileSync('docs/outgrowing-one-machine.md', 'utf8').replaceAll(/\s+/g, ' ');
    expect(page).toMatch(/in plain text: use TLS \(`rediss:\/\/`\) and a user who may access only these keys/);
  });
});

describe.skipIf(!hasRedis)('T29: an entry that somebody else wrote', () => {
  let server: RedisServer;
  let collector: RecordingCollector;
  let elsewhere: { readonly url: string; visits: number; close(): void };
  beforeAll(async () => {
    server = await startRedis();
    collector = await startRecordingCollector();
    const trap = createServer((socket) => {
      elsewhere.visits++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    const { port } = trap.address() as { port: number };
    elsewhere = { url: `http://127.0.0.1:${port}`, visits: 0, close: () => trap.close() };
  });
  afterAll(async () => {
    elsewhere.close();
    await collector.close();
    await server.close();
  });

  /** JSON of any shape, much of it with keys that might say where to send, or reach for prototypes. */
  const anything = (): fc.Arbitrary<unknown> => {
    const places = [
      'endpoint',
      'collector',
      'url',
      'host',
      'redis',
      'headers',
      'dispatcher',
      'tna',
      '__proto__',
      'constructor',
    ];
    const place = fc.constantFrom(elsewhere.url, { origin: elsewhere.url }, [elsewhere.url]);
    const entry = fc.dictionary(fc.constantFrom(...places), place).map((fields) => ({ ...sampleEvent(), ...fields }));
    const reach =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"e":{"__proto__":{"polluted":1}}}';
    return fc.oneof(
      entry,
      fc.jsonValue(),
      fc.constant(reach).map((text) => JSON.parse(text) as unknown),
    );
  };
  const keysOfObjects = (): string => Reflect.ownKeys(Object.prototype).map(String).join();

  it('is sent to the configured collector or laid aside, and its neighbours arrive once', async () => {
    const before = keysOfObjects();
    const key = `poison-${Math.random()}`;
    const good: string[] = [];
    const poison = fc.sample(anything(), 300).map((value) => JSON.stringify(value) ?? 'undefined');
    for (const entry of [...poison, '{"e":', '\u0000', '[]']) {
      const event = sampleEvent();
      good.push(event['eid'] as string);
      await server.client.rpush(key, entry, JSON.stringify(event));
    }
    const worker = new RedisWorker({ redis: server.url, key, endpoint: collector.url, logger: false });
    const running = worker.run();
    await until('the list is empty', async () => (await server.client.llen(key)) === 0);
    const { deadLettered, sent } = await worker.close();
    await running;
    expect(good.filter((id) => collector.taken.get(id) !== 1)).toEqual([]);
    expect(deadLettered).toBeGreaterThan(0);
    expect(sent + deadLettered, 'each is sent or laid aside').toBe(2 * good.length);
    expect(elsewhere.visits).toBe(0);
    expect(keysOfObjects()).toBe(before);
  });

  it('is judged just so in a job', async () => {
    const before = keysOfObjects();
    const processor = createProcessor({ endpoint: collector.url, logger: false });
    await fc.assert(
      fc.asyncProperty(fc.array(anything(), { maxLength: 5 }), fc.jsonValue(), async (events, rest) => {
        const event = sampleEvent();
        const data = { ...Object(rest), endpoint: elsewhere.url, anonymous: false, events: [...events, event] };
        await processor({ data, updateData: async () => {} }).catch((error: Error) =>
          expect(error.name).toBe('UnrecoverableError'),
        );
        expect(collector.taken.get(event['eid'] as string)).toBe(1);
      }),
      { numRuns: 100 },
    );
    expect(elsewhere.visits).toBe(0);
    expect(keysOfObjects()).toBe(before);
  });
});
