// Sends batches into a Redis list: one RPUSH for a batch, one flat JSON text an event, as the Python tracker's worker reads them.
import type { EncodedEvent } from '../core/emitter';
import type { Log } from '../core/logger';
import { MAX_QUEUED_BYTES } from '../delivery/transport-emitter';
import type { Outcome, Transport } from '../delivery/transport';
import { answerOf, logWrongSetUp } from './client/answer';
import type { Redis } from './client/client';
import { keysOf } from './keys';

export class PushTransport implements Transport {
  readonly #redis: Redis;
  readonly #log: Log;
  readonly #lists: readonly [string, string];

  constructor(redis: Redis, key: string, log: Log) {
    this.#redis = redis;
    this.#log = log;
    const [plain, anonymous] = keysOf(key);
    this.#lists = [plain.source, anonymous.source];
  }

  fits(event: EncodedEvent): boolean {
    return event.bytes <= MAX_QUEUED_BYTES;
  }

  async send(events: readonly EncodedEvent[]): Promise<Outcome> {
    const list = this.#lists[events[0]?.anonymous ? 1 : 0];
    try {
      await this.#redis.command('RPUSH', list, ...events.map(({ json }) => json));
      return { status: 'sent' };
    } catch (error) {
      const answer = answerOf(error);
      logWrongSetUp(answer, this.#log);
      return { status: 'retry', error: new Error(`Redis: ${answer}`) };
    }
  }

  close(): Promise<void> {
    return this.#redis.close();
  }
}
