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
  await until('one waits for its next attempt', async () => (await queue.getDelayedCount()) === 1);
  const [delayed] = await queue.getDelayed();
  await delayed.promote();
  await until('all arrived', () => arrived().length === 300);
  assert.deepEqual(arrived().toSorted(), ids.toSorted());
  await until('nothing is left', async () => (await queue.getJobCountByTypes('active', 'wait', 'delayed')) === 0);
  await worker.close();
  await emitter.close();
  await queue.close();
});
