// `snowplow-middleware worker redis|bullmq`: delivers from a queue in a separate process, until a signal stops it.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type * as processorFile from '../bullmq/processor';
import type { EmitterStats } from '../core/emitter';
import { ConfigError, isMissing } from '../core/errors';
import { Log, type Logger } from '../core/logger';
import type * as answerFile from '../redis/client/answer';
import type * as clientFile from '../redis/client/client';
import type * as redisWorker from '../redis/worker/redis-worker';
import { loggerOf, orReport, type Say, sayer } from './output';

const HELP = `Usage: snowplow-middleware worker redis --endpoint URL [options]
       snowplow-middleware worker bullmq --queue NAME --endpoint URL [options]

Delivers events from a Redis list, or from the jobs of a BullMQ queue, to a collector. Run as many workers as you like.

  --endpoint URL   the collector (required)
  --redis URL      the Redis server (default: the variable REDIS_URL, then redis://127.0.0.1:6379)
  --key KEY        redis: the list (default snowplow)
  --queue NAME     bullmq: the queue (required)
  --concurrency N  concurrent requests to the collector (default 1)
  --json           write each line as one JSON object, for other programs
  --quiet          no progress lines
  --help           show this text

If Redis or the collector is unreachable, it waits, reports this, and continues when both are back. SIGTERM and SIGINT
end it: it takes no more events, sends those in hand for up to 5 seconds, and gives the rest back. A second signal ends
it at once. Another worker delivers the events that it could not give back.

Progress goes to stdout, warnings and errors go to stderr; with --json, all lines go to stdout.
Exit codes: 0 after a signal, 1 if an argument is wrong or Redis refuses a command at the start.
`;

const OPTIONS = {
  endpoint: { type: 'string' },
  redis: { type: 'string' },
  key: { type: 'string' },
  queue: { type: 'string' },
  concurrency: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  quiet: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const PROGRESS_MS = 5_000;
const CLOSE_MS = 5_000;
// How long open handles, such as a pending connection, may keep the process alive after the last line.
const LINGER_MS = 300;
// A job that was with five workers that died fails for good, like an event of a list, which becomes a dead letter.
const STALLS_ALLOWED = 4;

/** A running worker. */
interface Work {
  counts(): { sent: number; failed: number; held: number };
  /** Ends it, and reports further results in words and as counts. */
  end(): Promise<{ words: string; counts: Readonly<Record<string, number>> }>;
}

/** A worker that is set up but not running, and the source of its events. */
interface Plan {
  readonly source: string;
  /** The unit of its counts: events or jobs. */
  readonly unit: string;
  /** The key in Redis, the type that it must have if it exists, and its option. */
  readonly key: string;
  readonly type: 'list' | 'hash';
  readonly option: string;
  start(): Work;
}

/**
 * Runs a worker until SIGINT or SIGTERM. A wrong argument is reported on stderr, with exit code 1.
 *
 * @param argv The arguments after `worker`.
 * @example
 * await runWorker(['redis', '--redis', 'redis://10.0.0.5', '--endpoint', 'https://collector.acme.com']);
 */
export async function runWorker(argv: string[]): Promise<void> {
  await orReport(() => run(argv));
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
  const say = sayer(values.json);
  const delivery = { endpoint: values.endpoint, threadCount: Number(values.concurrency), logger: loggerOf(say) };
  const plan = kind === 'redis' ? redisPlan(redis, values.key, delivery) : bullMqPlan(redis, values.queue, delivery);

  const over = new AbortController();
  const asked = Promise.race(['SIGINT', 'SIGTERM'].map((name) => once(process, name, { signal: over.signal })));
  await Promise.race([check(redis, plan), asked]);
  const work = plan.start();
  say('info', `Delivering from ${plan.source} (Ctrl+C stops it)`);
  const timer = values.quiet ? undefined : setInterval(progress(work, plan.unit, say), PROGRESS_MS);
  await asked;
  // A second signal has its usual effect.
  over.abort();
  clearInterval(timer);
  say('info', `Stopping: sending ${plan.unit} in hand for up to ${CLOSE_MS / 1000} seconds`);
  const { words, counts } = await work.end();
  const { sent, held } = work.counts();
  const left = held > 0 ? `, ${held} ${plan.unit} left to other workers` : '';
  say('info', `Stopped: ${sent} events sent, ${words}${left}`, { sent, ...counts, held });
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

// Checks what waiting cannot fix, before any event is taken: wrong credentials, a key of another type.
async function check(redis: string, { key, type, option }: Plan): Promise<void> {
  const { connect } = require('../redis/client/client') as typeof clientFile;
  const { answerOf } = require('../redis/client/answer') as typeof answerFile;
  const { command, close } = connect('worker', redis);
  const found = await command('TYPE', key).catch(answerOf);
  await close();
  if (found === 'NOAUTH' || found === 'WRONGPASS')
    throw new ConfigError('--redis', 'a URL with credentials that this Redis accepts', `the answer ${found}`);
  if (['string', 'list', 'set', 'zset', 'hash', 'stream'].includes(String(found)) && found !== type)
    throw new ConfigError(option, 'a new name, or the name of an existing queue', `that of a ${String(found)}`);
}

interface DeliveryArguments {
  readonly endpoint: string;
  readonly threadCount: number;
  readonly logger: Logger;
}

function redisPlan(redis: string, key = 'snowplow', delivery: DeliveryArguments): Plan {
  const { RedisWorker } = require('../redis/worker/redis-worker') as typeof redisWorker;
  const worker = new RedisWorker({ ...delivery, redis, key });
  const work: Work = {
    counts() {
      const { sent, dropped, waiting, inFlight }: EmitterStats = worker.stats();
      return { sent, failed: dropped.rejected + dropped['too-large'], held: waiting + inFlight };
    },
    async end() {
      const { deadLettered, returned } = await worker.close({ timeoutMs: CLOSE_MS });
      const words = `${returned} given back to the list, ${deadLettered} moved to the dead letters`;
      return { words, counts: { returned, deadLettered } };
    },
  };
  return {
    source: `the list ${key}`,
    unit: 'events',
    key,
    type: 'list',
    option: '--key',
    start() {
      void worker.run();
      return work;
    },
  };
}

function bullMqPlan(redis: string, queue: string | undefined, delivery: DeliveryArguments): Plan {
  if (!queue) throw new ConfigError('--queue', 'the name of the queue', 'nothing');
  const { createProcessor } = require('../bullmq/processor') as typeof processorFile;
  const counts = { sent: 0, failed: 0, held: 0 };
  const processor = createProcessor({
    ...delivery,
    onSuccess: (events) => void (counts.sent += events.length),
    onDrop: ({ events }) => void (counts.failed += events.length),
  });
  const { Worker } = loadBullMq();
  const start = (): Work => {
    const worker = new Worker(queue, processor, {
      connection: { url: redis, maxRetriesPerRequest: null },
      concurrency: delivery.threadCount,
      maxStalledCount: STALLS_ALLOWED,
    });
    worker.on('error', complainer(new Log(delivery.logger)));
    worker.on('active', () => void counts.held++);
    worker.on('completed', () => void counts.held--);
    worker.on('failed', () => void counts.held--);
    return {
      counts: () => ({ ...counts }),
      async end() {
        const late = new AbortController();
        const tooLate = sleep(CLOSE_MS, undefined, { signal: late.signal }).catch(() => {});
        await Promise.race([worker.close().catch(() => {}), tooLate]);
        late.abort();
        return { words: `${counts.failed} left in failed jobs`, counts: { failed: counts.failed } };
      },
    };
  };
  return {
    source: `the queue ${queue}`,
    unit: 'jobs',
    key: `bull:${queue}:meta`,
    type: 'hash',
    option: '--queue',
    start,
  };
}

// Reports only the answer, because a whole error may hold an address.
function complainer(log: Log): (error: Error) => void {
  const { answerOf, logWrongSetUp } = require('../redis/client/answer') as typeof answerFile;
  return (error) => {
    if (/\block\b|Missing key/.test(error.message)) {
      log.warn('a job took longer than its lock: another worker repeats it');
      return;
    }
    const answer = answerOf(error);
    logWrongSetUp(answer, log);
    log.warn('the worker cannot read from Redis', { error: answer });
  };
}

function loadBullMq(): typeof import('bullmq') {
  try {
    return require('bullmq') as typeof import('bullmq');
  } catch (error) {
    if (!isMissing(error, 'bullmq') && !isMissing(error, 'ioredis')) throw error;
    throw new ConfigError(
      'worker bullmq',
      "run where the packages 'bullmq' and 'ioredis' are installed: npm install bullmq ioredis",
    );
  }
}

// Writes a line only if something has changed since the last one.
function progress(work: Work, unit: string, say: Say): () => void {
  let last = '';
  let sentBefore = 0;
  return () => {
    const { sent, failed, held } = work.counts();
    const perSecond = Math.round(((sent - sentBefore) * 1000) / PROGRESS_MS);
    sentBefore = sent;
    const line = `sent ${sent} (${perSecond}/s), failed ${failed}, in hand ${held} ${unit}`;
    if (line !== last) say('info', line, { sent, perSecond, failed, held });
    last = line;
  };
}
