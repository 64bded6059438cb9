// A process that works on a queue until it is killed. Arguments: the built entry point, Redis's port, the queue, the endpoint.
import { createRequire } from 'node:module';
import { Worker } from 'bullmq';

const [door, port, queue, endpoint] = process.argv.slice(2);
const { createProcessor } = createRequire(import.meta.url)(door);
const worker = new Worker(queue, createProcessor({ endpoint, logger: false }), {
  connection: { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null },
  lockDuration: 1_000,
  stalledInterval: 500,
  maxStalledCount: 100,
});
// A worker that is taken for dead says so at length.
worker.on('error', () => {});
await worker.waitUntilReady();
process.stdout.write('ready\n');
