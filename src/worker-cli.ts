// `snowplow-middleware worker redis|bullmq`: delivers from a queue in a process of its own, until it is told to stop.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import type * as processorFile from './bullmq/processor';
import { ConfigError } from './core/errors';
import type { EmitterStats } from './core/emitter';
import type * as redisWorker from './redis/redis-worker';

const HELP = `Usage: snowplow-middleware worker redis --endpoint URL [options]
       snowplow-middleware worker bullmq --queue NAME --endpoint URL [options]

Delivers events from a Redis list, or from the jobs of a BullMQ queue, to a collector. Run as many as you like.
SIGTERM and SIGINT end it: it takes no more, sends what it holds for up to 5 seconds, and gives the rest back.

  --endpoint URL   the collector (required)
  --redis URL      where Redis is (default: the variable REDIS_URL, then redis://127.0.0.1:6379)
  --key KEY        redis: the list (default snowplow)
  --queue NAME     bullmq: the queue (required)
  --concurrency N  requests to the collector at once (default 1)
  --quiet          no progress lines
  --help           show this text
`;

const OPTIONS = {
  endpoint: { type: 'string' },
  redis: { type: 'string' },
  key: { type: 'string' },
  queue: { type: 'string' },
  concurrency: { type: 'string', default: '1' },
  quiet: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const PROGRESS_MS = 5_000;
const CLOSE_MS = 5_000;

/** A worker under way, as the command line sees it. */
interface Work {
  counts(): { sent: number; failed: number; held: number };
  /** Ends it; says what else there is to say. */
  end(): Promise<string>;
}

/**
 * Runs a worker until SIGINT or SIGTERM. What is wrong with the arguments goes to stderr, with exit code 1.
 *
 * @param argv The arguments behind `worker`.
 * @example
 * await runWorker(['redis', '--redis', 'redis://10.0.0.5', '--endpoint', 'https://collector.acme.com']);
 */
export async function runWorker(argv: string[]): Promise<void> {
  try {
    await run(argv);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}. See --help.\n`);
    process.exitCode = 1;
  }
}

async function run(argv: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  const [kind, ...others] = positionals;
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if ((kind !== 'redis' && kind !== 'bullmq') || others.length > 0)
    throw new ConfigError(
      'worker',
      "one of 'redis', 'bullmq'",
      kind === undefined ? 'nothing' : JSON.stringify(positionals.join(' ')),
    );
  if (!values.endpoint) throw new ConfigError('--endpoint', "the collector's URL", 'nothing');
  const foreign = kind === 'redis' ? 'queue' : 'key';
  if (values[foreign] !== undefined) throw new ConfigError(`--${foreign}`, `left out for ${kind}`);
  const redis = values.redis ?? process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';
  const delivery = { endpoint: values.endpoint, threadCount: Number(values.concurrency) };
  const work =
    kind === 'redis' ? startRedisWorker(redis, values.key, delivery) : startBullMqWorker(redis, values.queue, delivery);
  const asked = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  process.stdout.write(
    `Delivering from ${kind === 'redis' ? `the list ${values.key ?? 'snowplow'}` : `the queue ${values.queue}`} (Ctrl+C stops it)\n`,
  );
  const timer = values.quiet ? undefined : setInterval(progress(work), PROGRESS_MS);
  await asked;
  clearInterval(timer);
  const rest = await work.end();
  process.stdout.write(`Stopped: ${work.counts().sent} events sent, ${rest}\n`);
}

interface DeliveryArguments {
  readonly endpoint: string;
  readonly threadCount: number;
}

function startRedisWorker(redis: string, key: string | undefined, delivery: DeliveryArguments): Work {
  const { RedisWorker } = require('./redis/redis-worker') as typeof redisWorker;
  const worker = new RedisWorker({ ...delivery, redis, key });
  void worker.run();
  return {
    counts() {
      const { sent, dropped, waiting, inFlight }: EmitterStats = worker.stats();
      return { sent, failed: dropped.rejected + dropped['too-large'], held: waiting + inFlight };
    },
    async end() {
      const { deadLettered, returned } = await worker.close({ timeoutMs: CLOSE_MS });
      return `${returned} given back to the list, ${deadLettered} laid aside as dead letters`;
    },
  };
}

function startBullMqWorker(redis: string, queue: string | undefined, delivery: DeliveryArguments): Work {
  if (!queue) throw new ConfigError('--queue', 'the name of the queue', 'nothing');
  if (!URL.canParse(redis)) throw new ConfigError('--redis', 'a URL that begins with redis:// or rediss://');
  const { createProcessor } = require('./bullmq/processor') as typeof processorFile;
  const counts = { sent: 0, failed: 0, held: 0 };
  const processor = createProcessor({
    ...delivery,
    onSuccess: (events) => void (counts.sent += events.length),
    onDrop: (events) => void (counts.failed += events.length),
  });
  const { Worker } = loadBullMq();
  const worker = new Worker(queue, processor, {
    connection: { url: redis, maxRetriesPerRequest: null },
    concurrency: delivery.threadCount,
  });
  // Without a listener it would write whole errors, which may name an address.
  worker.on('error', () => {});
  worker.on('active', () => void counts.held++);
  worker.on('completed', () => void counts.held--);
  worker.on('failed', () => void counts.held--);
  return {
    counts: () => ({ ...counts }),
    async end() {
      const ended = worker.close().then(() => true);
      const late = new Promise<false>((resolve) => setTimeout(resolve, CLOSE_MS, false).unref());
      if (!(await Promise.race([ended, late]))) await worker.close(true);
      return `${counts.failed} left in failed jobs`;
    },
  };
}

function loadBullMq(): typeof import('bullmq') {
  try {
    require.resolve('bullmq');
  } catch {
    throw new ConfigError(
      'worker bullmq',
      "run where the packages 'bullmq' and 'ioredis' are installed: npm install bullmq ioredis",
    );
  }
  return require('bullmq') as typeof import('bullmq');
}

// A line only when something has happened since the last one.
function progress(work: Work): () => void {
  let last = '';
  let sentBefore = 0;
  return () => {
    const { sent, failed, held } = work.counts();
    const rate = Math.round(((sent - sentBefore) * 1000) / PROGRESS_MS);
    sentBefore = sent;
    const line = `sent ${sent} (${rate}/s), failed ${failed}, in hand ${held}`;
    if (line !== last) process.stdout.write(`${new Date().toTimeString().slice(0, 8)}  ${line}\n`);
    last = line;
  };
}
