// The engine between its two ports: a transport that a test answers for, and the settings that it need not name.
import type { Logger } from 'snowplow-middleware';
import type { EncodedEvent } from '../../src/core/emitter';
import { Log } from '../../src/core/logger';
import { BatchEmitter, type EngineSettings } from '../../src/delivery/engine/batch-emitter';
import type { EventStore } from '../../src/delivery/store/event-store';
import { MemoryEventStore } from '../../src/delivery/store/memory-store';
import type { Outcome, Transport } from '../../src/delivery/transport';
import { Feed } from './feed';

export type Answer = Outcome | readonly Outcome[];

export interface Send {
  readonly events: readonly EncodedEvent[];
  readonly ids: readonly string[];
  /** On the clock of `performance.now()`. */
  readonly at: number;
  answer(result: Answer): void;
}

export const SENT: Outcome = { status: 'sent' };
export const failed = (afterMs?: number): Outcome => ({ status: 'retry', error: new Error('no luck'), afterMs });
export const rejected = (code = 400, of: 'events' | 'caller' = 'events'): Outcome => ({
  status: 'rejected',
  error: new Error(`said ${code}`),
  code,
  of,
});
export const TOO_LARGE: Outcome = { status: 'too-large', error: new Error('too much'), code: 413 };

/** Answers by `reply`, or leaves each send open for the test to answer. */
export class PortTransport implements Transport {
  readonly sends: Send[] = [];
  reply: ((events: readonly EncodedEvent[]) => Answer | Promise<Answer>) | undefined;
  closed = 0;
  largest = Infinity;

  constructor(reply?: PortTransport['reply']) {
    this.reply = reply;
  }

  get sizes(): number[] {
    return this.sends.map(({ events }) => events.length);
  }

  fits(event: EncodedEvent): boolean {
    return event.bytes <= this.largest;
  }

  send(events: readonly EncodedEvent[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.sends.push({ events, ids: events.map(({ eventId }) => eventId), at: performance.now(), answer: resolve });
      if (this.reply) Promise.resolve(this.reply(events)).then(resolve, reject);
    });
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}

/** A logger that keeps its lines. */
export class KeptLog implements Logger {
  readonly lines: string[] = [];
  readonly #keep = (message: string, fields?: object): void =>
    void this.lines.push(fields ? `${message} ${JSON.stringify(fields)}` : message);
  debug = this.#keep;
  info = this.#keep;
  warn = this.#keep;
  error = this.#keep;
}

export interface Engine<T extends Transport> {
  readonly emitter: BatchEmitter;
  readonly feed: Feed;
  readonly transport: T;
  readonly log: KeptLog;
}

export function makeEngine<T extends Transport = PortTransport>(
  settings: Partial<EngineSettings> = {},
  {
    store = new MemoryEventStore(),
    transport = new PortTransport() as unknown as T,
    logger = new KeptLog(),
  }: { store?: EventStore; transport?: T; logger?: Logger } = {},
): Engine<T> {
  const emitter = new BatchEmitter(
    {
      batchSize: 10,
      maxBatchSize: 250,
      byteLimit: Infinity,
      maxBytes: 131_072,
      flushIntervalMs: 5_000,
      maxRetryDelayMs: 60_000,
      threads: 1,
      ...settings,
    },
    store,
    transport,
    new Log(logger),
  );
  return { emitter, feed: new Feed(emitter), transport, log: logger as KeptLog };
}
