// A process that runs a RedisWorker until it is told to end. Arguments: the built entry point, the worker's options as JSON.
import { createRequire } from 'node:module';

const [door, options] = process.argv.slice(2);
const { RedisWorker } = createRequire(import.meta.url)(door);
const worker = new RedisWorker(JSON.parse(options));
const run = worker.run();
process.stdout.write('ready\n');
await run;
process.stdout.write(`${JSON.stringify(await worker.close())}\n`);
