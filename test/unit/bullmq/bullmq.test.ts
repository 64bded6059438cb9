// Events through a real job queue: one batch a job, delivered, retried, laid aside, and repeated at most once a stall.
import { type DefaultJobOptions, type Job, Queue, Worker } from 'bullmq';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Emitter, type Payload } from 'snowplow-middleware';
import { BullMqEmitter, type BullMqEmitterOptions, createProcessor } from 'snowplow-middleware/bullmq';
import { BACKOFF } from '../../../src/bullmq/job';
import { expectBalanced, sampleEvent } from '../../support/feed';
import { type RecordingCollector, startRecordingCollector } from '../../support/recording-collector';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { startScriptedCollector } from '../../support/scripted-collector';
import { eventsAround, METHODS } from '../../support/sizes';
import { until } from '../../support/until';

// The job's batch, and two of its events alone: one of them could be what fails.
const REQUESTS_OF_A_FAILED_ATTEMPT = 3;

describe.skipIf(!hasRedis)('BullMQ', () => {
  let server: RedisServer;
  let collector: RecordingCollector;
  let queue: Queue;
  const open: { close(): Promise<unknown> }[] = [];
  const connection = (): { host: string; port: number; maxRetriesPerRequest: null } => {
    const { hostname, port } = new URL(server.url);
    return { host: hostname, port: Number(port || 6379), maxRetriesPerRequest: null };
  };
  const emitter = (options: Partial<BullMqEmitterOptions> = {}): BullMqEmitter => {
    const made = new BullMqEmitter({ queue, maxRetryDelayMs: 50, logger: false, ...options });
    open.push(made);
    return made;
  };
  const work = (processor = createProcessor({ endpoint: collector.url, logger: false })): Worker => {
    const made = new Worker(queue.name, processor, { connection: connection() });
    made.on('error', () => {});
    open.unshift(made);
    return made;
  };
  const offer = (to: BullMqEmitter, count: number): string[] =>
    Array.from({ length: count }, () => {
      const event = sampleEvent();
      expect(to.input(event)).toBe(true);
      return event['eid'] as string;
    });
  const data = ({ data: carried }: Job): { events: Payload[] } => carried as { events: Payload[] };

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    collector = await startRecordingCollector();
    queue = new Queue(`queue-${Math.random()}`, { connection: connection() });
  });
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
    await queue.close();
    await collector.close();
  });

  test('a batch is one job that carries its events, is tried for about a day, and is kept when it failed for good', async () => {
    const made = emitter({ batchSize: 30 });
    const ids = offer(made, 30);
    await made.flush();
    const jobs = await queue.getJobs();
    expect(jobs).toHaveLength(1);
    const [job] = jobs as [Job];
    expect(data(job).events.map(({ eid }) => eid)).toEqual(ids);
    const { attempts = 0, backoff, removeOnComplete, removeOnFail } = job.opts;
    const { delay } = backoff as { delay: number };
    expect((attempts * delay * 0.75) / 3_600_000).toBeGreaterThan(24);
    expect([removeOnComplete, removeOnFail]).toEqual([true, false]);
    expectBalanced(made, 30);
  });

  test.each<[what: string, theirs: DefaultJobOptions]>([
    ['attempts alone', { attempts: 3 }],
    ['a backoff alone', { backoff: { type: 'exponential', delay: 20 } }],
    ['a backoff in milliseconds', { backoff: 20 }],
    ['what is kept of finished jobs', { removeOnComplete: 5, removeOnFail: { count: 7 } }],
    ['what we have no opinion of', { delay: 5, priority: 3, lifo: true }],
    ['nothing but undefined', { attempts: undefined as never, backoff: undefined as never }],
    ['everything', { attempts: 4, backoff: { type: 'fixed', delay: 9 }, removeOnComplete: false, removeOnFail: true }],
  ])("the queue's own options win over ours, one by one: %s", async (_what, theirs) => {
    const [ours, named] = [new Queue(queue.name, { connection: connection() }), new Queue(`${queue.name}-2`, { connection: connection(), defaultJobOptions: theirs })]; // prettier-ignore
    open.push(ours, named);
    const optionsOf = async (one: Queue): Promise<Job['opts']> => {
      const made = emitter({ queue: one });
      offer(made, 1);
      await made.flush();
      return ((await one.getJobs()) as [Job])[0].opts;
    };
    const given = Object.entries(theirs).filter(([, value]) => value !== undefined);
    const expected = { ...(await optionsOf(ours)), ...Object.fromEntries(given) };
    if (typeof theirs.backoff === 'number') expected.backoff = { type: 'fixed', delay: theirs.backoff };
    expect(await optionsOf(named)).toEqual({ ...expected, jobId: expect.stringMatching(/^snowplow-/) as string });
  });

  test('attempts are a second apart at first, and further and further up to a minute', async () => {
    const made = emitter({ batchSize: 30 });
    offer(made, 30);
    await made.flush();
    let answers = 0;
    collector.answer = () => (++answers > 3 * REQUESTS_OF_A_FAILED_ATTEMPT ? 200 : 503);
    const delays: number[] = [];
    work().on('failed', (job) => void delays.push(job?.delay ?? -1));
    await collector.waitFor(30, 60_000);
    expect(new Set(collector.taken.values())).toEqual(new Set([1]));
    expect(delays).toHaveLength(3);
    for (const [at, delay] of delays.entries()) {
      expect(delay).toBeGreaterThanOrEqual(500 * 2 ** at);
      expect(delay).toBeLessThanOrEqual(1_000 * 2 ** at);
    }
    const processor = createProcessor({ endpoint: collector.url, logger: false });
    collector.answer = 503;
    for (const [attemptsMade, delay] of [
      [0, 1_000],
      [5, 32_000],
      [6, 60_000],
      [1_999, 60_000],
    ]) {
      const opts = { backoff: { ...BACKOFF } };
      const data = { anonymous: false, events: [sampleEvent()] };
      await expect(processor({ data, opts, attemptsMade: attemptsMade as number })).rejects.toThrow('503');
      expect(opts.backoff).toEqual({ ...BACKOFF, delay });
    }
  });

  test("a queue's own backoff is kept to, and its attempts", async () => {
    const defaultJobOptions = { attempts: 4, backoff: { type: 'exponential', delay: 10 } };
    const quick = new Queue(queue.name, { connection: connection(), defaultJobOptions });
    const made = emitter({ queue: quick });
    open.push(quick);
    offer(made, 5);
    await made.flush();
    const delays: number[] = [];
    collector.answer = 503;
    work().on('failed', (job) => void delays.push(job?.delay ?? -1));
    await until('it failed', async () => (await queue.getFailedCount()) === 1, 30_000);
    expect(delays.slice(0, 3)).toEqual([10, 20, 40]);
    expect((await queue.getFailed())[0]?.attemptsMade).toBe(4);
  });

  test('every event is delivered once, and nothing stays in the queue', async () => {
    const made = emitter();
    work();
    const ids: string[] = [];
    for (let round = 0; round < 20; round++) {
      ids.push(...offer(made, 50));
      await new Promise(setImmediate);
    }
    await made.close();
    await collector.waitFor(1_000);
    expect([...collector.taken.keys()].toSorted()).toEqual(ids.toSorted());
    expect(new Set(collector.taken.values())).toEqual(new Set([1]));
    await until(
      'the queue is empty',
      async () => (await queue.getJobCountByTypes('active', 'wait', 'completed')) === 0,
    );
  });

  test('anonymous events travel in jobs of their own, and stay anonymous', async () => {
    const made = emitter();
    made.input(sampleEvent(), { eventId: crypto.randomUUID(), anonymous: true });
    made.input(sampleEvent());
    await made.flush();
    expect(
      (await queue.getJobs()).map((job) => String((job.data as { anonymous: boolean }).anonymous)).toSorted(),
    ).toEqual(['false', 'true']);
    const kinds: string[] = [];
    work(createProcessor({ emitter: { input: (_payload, { anonymous }) => void kinds.push(String(anonymous)) } }));
    await until('both came', () => kinds.length === 2);
    expect(kinds.toSorted()).toEqual(['false', 'true']);
  });

  test("while the collector is away the job is tried again, by the queue's own rules, with what is left of it", async () => {
    const made = emitter({ batchSize: 30 });
    const ids = offer(made, 30);
    await made.flush();
    const [job] = (await queue.getJobs()) as [Job];
    // One request of ten, then trouble, until the job is tried again.
    let requests = 0;
    collector.answer = () => (++requests > 1 ? 503 : 200);
    const processor = createProcessor({ endpoint: collector.url, maxBatchSize: 10, batchSize: 10, logger: false });
    await expect(processor(job)).rejects.toMatchObject({
      name: 'Error',
      message: '20 events could not be sent: the collector answered 503',
    });
    const again = (await queue.getJob(job.id as string)) as Job;
    expect(data(again).events.map(({ eid }) => eid)).toEqual(ids.slice(10));
    collector.answer = 200;
    await processor(again);
    expect(collector.taken.size).toBe(30);
    expect(new Set(collector.taken.values())).toEqual(new Set([1]));
  });

  test('a job whose attempts ran out has its events still, and delivers them when it is tried again', async () => {
    const events = Array.from({ length: 3 }, () => sampleEvent());
    const { id } = await queue.add('snowplow', { anonymous: false, events }, { attempts: 1, removeOnComplete: true });
    collector.answer = 503;
    work();
    await until('it failed', async () => (await queue.getFailedCount()) === 1);
    collector.answer = 200;
    await (await queue.getJob(id as string))?.retry();
    await collector.waitFor(3);
    await until('it is done', async () => (await queue.getJobCountByTypes('active', 'failed')) === 0);
    expect([...collector.taken.keys()]).toEqual(events.map(({ eid }) => eid));
  });

  test('what the collector rejects ends the job at once, as unrecoverable', async () => {
    const made = emitter();
    offer(made, 3);
    await made.flush();
    collector.answer = 400;
    work();
    await until('the job failed', async () => (await queue.getFailedCount()) === 1);
    const [failed] = (await queue.getFailed()) as [Job];
    expect(failed.attemptsMade).toBe(1);
    expect(failed.failedReason).toBe('3 events can never be delivered');
    expect((failed.data as { refused: unknown[] }).refused).toHaveLength(3);
    // The three together, and what is left when they are divided.
    expect(collector.requests).toBe(5);
  });

  test('a batch that is too large for the collector is split, and one event that is too large is laid aside alone', async () => {
    const made = emitter({ batchSize: 8 });
    const ids = offer(made, 8);
    await made.flush();
    collector.answer = (eids) => (eids.length > 2 || eids.includes(ids[3] as string) ? 413 : 200);
    work();
    await until('the job failed', async () => (await queue.getFailedCount()) === 1);
    expect([...collector.taken.keys()].toSorted()).toEqual(ids.filter((id) => id !== ids[3]).toSorted());
    const [failed] = (await queue.getFailed()) as [Job];
    expect((failed.data as { refused: Payload[] }).refused.map(({ eid }) => eid)).toEqual([ids[3]]);
  });

  test.each(METHODS)(
    'of a job somebody made too large no %s passes the limit: what does not fit stays in it',
    async (method) => {
      const limit = 2_000;
      const { all: events, fitting } = eventsAround(limit, method);
      const scripted = await startScriptedCollector();
      const onDrop = vi.fn();
      await queue.add('snowplow', { anonymous: false, events }, { attempts: 5 });
      const options = { endpoint: scripted.url, method, maxPostBytes: limit, maxGetBytes: limit };
      work(createProcessor({ ...options, onDrop, logger: false }));
      await until('the job failed', async () => (await queue.getFailedCount()) === 1, 30_000);
      const [failed] = (await queue.getFailed()) as [Job];
      expect(failed.attemptsMade).toBe(1);
      expect(failed.failedReason).toBe('2 events can never be delivered');
      expect((failed.data as { refused: Payload[] }).refused).toEqual(events.slice(5, 7));
      expect([...scripted.taken.keys()]).toEqual(fitting);
      expect(onDrop.mock.calls.map(([{ reason }]) => reason as string)).toEqual(['too-large', 'too-large']);
      const bytes = scripted.requests.map(({ body, target }) => (method === 'post' ? body.length : target.length));
      expect(Math.max(...bytes)).toBe(limit);
      await scripted.close();
    },
  );

  test('a job that somebody else made is read with suspicion, and never says where to send', async () => {
    const processor = createProcessor({ endpoint: collector.url, logger: false });
    for (const bad of [undefined, null, 'text', {}, { events: 'text' }])
      await expect(processor({ data: bad })).rejects.toMatchObject({ name: 'UnrecoverableError' });
    const good = sampleEvent();
    const events = [null, 7, [], { page: { deep: 1 } }, { ...good, vid: 4 }];
    const job = { data: { events, endpoint: 'http://127.0.0.1:1' }, updateData: vi.fn(async () => {}) };
    await expect(processor(job)).rejects.toThrow('4 events can never be delivered');
    expect([...collector.taken.keys()]).toEqual([good['eid']]);
    expect(job.updateData).toHaveBeenCalledWith({ anonymous: false, events: [], refused: events.slice(0, 4) });
  });

  test('delivers as a given emitter does, with its callbacks', async () => {
    const onSuccess = vi.fn();
    const direct = new Emitter(collector.url, { onSuccess, logger: false });
    await createProcessor({ emitter: direct })({ data: { anonymous: false, events: [sampleEvent()] } });
    expect(onSuccess).toHaveBeenCalledOnce();
    await direct.close();
  });

  describe('a queue that', () => {
    test('rejects: events are kept, and added when it takes them', async () => {
      let rejections = 0;
      const add = vi.fn(async (...args: Parameters<Queue['add']>) => {
        if (rejections++ < 3) throw new Error('redis://user:secret@host is away');
        return queue.add(...args);
      });
      const made = emitter({ queue: { add: add as never } });
      offer(made, 10);
      await until('it took them', () => made.stats().sent === 10);
      expect(made.stats().lastError?.message).toBe('the queue: Error');
      expectBalanced(made, 10);
    });

    test('takes a job and then fails to say so: the same events are the same job again', async () => {
      let first = true;
      const add = async (...args: Parameters<Queue['add']>): Promise<unknown> => {
        const job = await queue.add(...args);
        if (!first) return job;
        first = false;
        throw new Error('the answer was lost');
      };
      const made = emitter({ queue: { add: add as never } });
      const ids = offer(made, 10);
      await until('the first attempt failed', () => made.stats().retried > 0);
      // More have come meanwhile: they do not change what the first job is.
      ids.push(...offer(made, 5));
      await made.flush();
      const jobs = await queue.getJobs();
      expect(jobs.flatMap((job) => data(job).events.map(({ eid }) => String(eid))).toSorted()).toEqual(ids.toSorted());
    });

    test('never answers: a close is bounded and says what it leaves', async () => {
      const onDrop = vi.fn();
      const made = emitter({ queue: { add: () => new Promise(() => {}) }, onDrop });
      offer(made, 10);
      const report = await made.close({ timeoutMs: 100 });
      expect(report).toMatchObject({ sent: 0 });
      expect(
        onDrop.mock.calls.flatMap(([{ events, reason }]) => [(events as unknown[]).length, reason as string]),
      ).toEqual([10, 'shutdown']);
      expectBalanced(made, 10);
    });
  });

  test('job ids hold no colon and are no numbers, and a repeated add is stored once', async () => {
    const made = emitter();
    offer(made, 10);
    await made.flush();
    const [job] = (await queue.getJobs()) as [Job];
    expect(job.id).toMatch(/^snowplow-[\w-]{43}$/);
    await queue.add(job.name, job.data, { ...job.opts, jobId: job.id as string });
    expect(await queue.getJobs()).toHaveLength(1);
  });

  test('a wrong set-up is refused by name', () => {
    const make = (options: object) => () => new BullMqEmitter(options as BullMqEmitterOptions);
    expect(make({})).toThrow('BullMqEmitter: queue must be a queue with an add method, got nothing');
    expect(make({ queue: {} })).toThrow('BullMqEmitter: queue must be a queue with an add method, got an object');
    for (const callback of ['onSuccess', 'onFailure'])
      expect(make({ queue, [callback]: () => {} })).toThrow(`BullMqEmitter: Unknown option \`${callback}\``);
    expect(() => createProcessor({})).toThrow('createProcessor: endpoint must be a host name or a URL, got nothing');
  });
});
