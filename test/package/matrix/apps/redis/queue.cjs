// Events through a job queue: `node queue.cjs`.
const { assert, inWorld } = require('./world.cjs');
const { BullMqEmitter, createProcessor } = require('snowplow-middleware/bullmq');
const { Queue, Worker } = require('bullmq');

void inWorld(async ({ redis, collector, arrived, offer, until }) => {
  const connection = { host: '127.0.0.1', port: redis.port, maxRetriesPerRequest: null };
  const queue = new Queue('matrix', { connection });
  const emitter = new BullMqEmitter({ queue, logger: false });
  const ids = offer(emitter, 300);
  assert.deepEqual(await emitter.flush(), { sent: 300, failed: 0, remaining: 0 });
  // The first job fails once, and is tried again by the queue's own rules.
  collector.fail({ status: 503, times: 1 });
  const worker = new Worker('matrix', createProcessor({ endpoint: collector.url, logger: false }), { connection });
  const delays = [];
  worker.on('failed', (job) => delays.push(job.delay));
  await until('all arrived', () => arrived().length === 300);
  assert.deepEqual(arrived().toSorted(), ids.toSorted());
  // A second at first, of which half is at random; and by what the queue itself says.
  assert.equal(delays.length, 1);
  assert.ok(delays[0] >= 500 && delays[0] <= 1_000, `${delays[0]} ms`);
  const impatient = new Queue('matrix', { connection, defaultJobOptions: { backoff: 7, removeOnComplete: false } });
  const other = new BullMqEmitter({ queue: impatient, logger: false });
  collector.fail({ status: 503, times: 1 });
  const [id] = offer(other, 1);
  await other.flush();
  await until('the other arrived', () => arrived().includes(id));
  assert.equal(delays[1], 7);
  await until('it is kept', async () => (await queue.getCompletedCount()) === 1);
  await other.close();
  await impatient.close();
  await until('nothing is left', async () => (await queue.getJobCountByTypes('active', 'wait', 'delayed')) === 0);
  await worker.close();
  await emitter.close();
  await queue.close();
});
