// The worker: takes events from the Redis list, delivers them through the engine of every emitter, and loses none when it dies.
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmitterStats } from '../../core/emitter';
import { custom, type OptionRules, resolveOptions, text } from '../../core/options';
import { millisOfLimit, type TimeLimit, within } from '../../core/deadline';
import { BatchEmitter } from '../../delivery/engine/batch-emitter';
import { type Delivery, DELIVERY_RULES, deliveryOf, type DeliveryOptions } from '../../delivery/delivery';
import { answerOf, logWrongSetUp } from '../client/answer';
import { connect, type Redis, type RedisClientLike, redisRule } from '../client/client';
import { checkPersistence } from '../keeps-events';
import { REDIS_DEFAULTS } from '../redis-emitter';
import { RedisEventStore } from './redis-event-store';

/** Options of a {@link RedisWorker}. */
export interface RedisWorkerOptions extends DeliveryOptions {
  /** Your client, which you close; or a URL, for which a connection is made. @default 'redis://127.0.0.1:6379' */
  redis?: RedisClientLike | string | undefined;
  /** The list's name. @default 'snowplow' */
  key?: string | undefined;
  /** Signals on which the worker closes, for example `['SIGTERM', 'SIGINT']`. @default none */
  signals?: readonly NodeJS.Signals[] | undefined;
}

/** What a worker did in its life. */
export interface WorkerReport {
  readonly sent: number;
  /** Entries moved to `{<key>}:dead`: no events, too large, rejected by the collector, or with five workers that died. */
  readonly deadLettered: number;
  /** Events that went back to the list. */
  readonly returned: number;
}

const RULES: OptionRules<RedisWorkerOptions> = {
  ...DELIVERY_RULES,
  redis: redisRule,
  key: text,
  signals: custom(
    'a list of signal names such as SIGTERM',
    (value) => Array.isArray(value) && value.every((name) => typeof name === 'string' && /^SIG[A-Z0-9]+$/.test(name)),
  ),
};

const BEAT_MS = 1_000;
const CLOSE_TIMEOUT_MS = 5_000;
// How often an empty list is looked at, from the first time to the last.
const [SOON_MS, IDLE_MS] = [5, 200];
const GIVE_BACK_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
// While one batch is out the next one is at hand; and refused events that wait for another try leave room for others. What a
// script can be given limits it.
const BATCHES_HELD = 2;
const [LEAST_HELD, MOST_HELD] = [500, 4_000];

/**
 * Delivers what RedisEmitters, or the Python tracker's, put into a list; as many workers on one list as you like. What a
 * worker that died had taken is delivered by the others, 15 seconds after its last heartbeat.
 *
 * @throws ConfigError that names the option.
 * @example
 * const worker = new RedisWorker({ endpoint: 'collector.acme.com', signals: ['SIGTERM', 'SIGINT'] });
 * await worker.run();
 */
export class RedisWorker {
  readonly #delivery: Delivery;
  readonly #redis: Redis;
  readonly #store: RedisEventStore;
  readonly #engine: BatchEmitter;
  readonly #signals: readonly NodeJS.Signals[];
  readonly #stop = new AbortController();
  #looping: Promise<void> | undefined;
  #closing: Promise<WorkerReport> | undefined;

  constructor(options: RedisWorkerOptions) {
    const resolved = resolveOptions('RedisWorker', options, RULES, { ...REDIS_DEFAULTS, signals: [] });
    const { redis, key, signals, ...delivery } = resolved;
    this.#delivery = deliveryOf('RedisWorker', delivery);
    const { settings, transport, log } = this.#delivery;
    this.#redis = connect('RedisWorker', redis);
    this.#signals = signals;
    // So that it can be handed around: `process.on('SIGTERM', worker.close)`.
    this.close = this.close.bind(this);
    const wanted = BATCHES_HELD * settings.maxBatchSize * settings.threads;
    const capacity = Math.min(Math.max(wanted, LEAST_HELD), MOST_HELD);
    this.#store = new RedisEventStore(this.#redis, key, capacity, log);
    this.#engine = new BatchEmitter(settings, this.#store, transport, log);
  }

  /** Works until the worker is closed, by a signal or by `close()`. Never rejects: while Redis is away it waits. */
  async run(): Promise<void> {
    if (!this.#closing) this.#looping ??= this.#work();
    await this.#looping;
    await this.#closing;
  }

  /** What it has done so far: `recovered` counts what it took from the list. */
  stats(): EmitterStats {
    return this.#engine.stats();
  }

  /**
   * Takes no more, delivers what it holds until the deadline, and gives the rest back to the list. Idempotent; never rejects.
   *
   * @param limit The whole time it may take, in milliseconds or as `{ timeoutMs }`. Default 5,000.
   */
  close(limit?: TimeLimit): Promise<WorkerReport> {
    return (this.#closing ??= this.#shutDown(performance.now() + millisOfLimit(limit, CLOSE_TIMEOUT_MS)));
  }

  async #work(): Promise<void> {
    const onSignal = (): void => {
      forget();
      void this.close();
    };
    // A second signal does what it does without us.
    const forget = (): void => {
      for (const signal of this.#signals) process.off(signal, onSignal);
    };
    for (const signal of this.#signals) process.on(signal, onSignal);
    void checkPersistence(this.#redis, this.#delivery.log);
    let beatAt = 0;
    let pause = 0;
    while (!this.#stop.signal.aborted) {
      try {
        if (performance.now() >= beatAt) {
          await this.#store.beat();
          beatAt = performance.now() + BEAT_MS;
        }
        const fetched = await this.#store.fetch();
        pause = fetched > 0 || this.#store.held > 0 ? SOON_MS : Math.min(Math.max(SOON_MS, pause * 2), IDLE_MS);
      } catch (error) {
        const answer = answerOf(error);
        logWrongSetUp(answer, this.#delivery.log);
        this.#delivery.log.warn('the worker cannot read from Redis', { error: answer });
        pause = Math.min(Math.max(IDLE_MS, pause * 2), LONGEST_PAUSE_MS);
      }
      await sleep(pause, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
    forget();
  }

  async #shutDown(deadline: number): Promise<WorkerReport> {
    const left = (): number => Math.max(0, deadline - performance.now());
    this.#stop.abort();
    // What is being fetched still arrives, so that it can be given back.
    await within(() => this.#looping, left());
    await this.#engine.close({ timeoutMs: left() });
    await within(() => this.#store.close(), Math.max(left(), GIVE_BACK_MS));
    await Promise.all([this.#delivery.transport, this.#redis].map((one) => within(() => one.close(), GIVE_BACK_MS)));
    const { deadLettered, returned } = this.#store;
    return { sent: this.stats().sent, deadLettered, returned };
  }
}
