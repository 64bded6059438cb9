// The collector's bounded memory: the newest events and requests, and the subscribers to new ones.
import { outcomeOf } from '../hints/finding';
import type { CollectedEvent, CollectedRequest } from './event';

// The most events, and the most requests.
const MAX_EVENTS = 1_000;
// The most bytes of each, estimated.
const MAX_BYTES = 16 * 1024 * 1024;

interface Listener {
  readonly added: (event: CollectedEvent) => void;
  readonly cleared: () => void;
}

/** The numbers of events since the log was cleared, including those it no longer holds. */
interface Totals {
  readonly good: number;
  readonly warned: number;
  readonly bad: number;
}

const NONE: Totals = { good: 0, warned: 0, bad: 0 };

export class EventLog {
  #events: { event: CollectedEvent; bytes: number }[] = [];
  #requests: CollectedRequest[] = [];
  #bytes = 0;
  #requestBytes = 0;
  #forgotten = 0;
  #totals = NONE;
  readonly #listeners = new Set<Listener>();

  /** Events in order of arrival, newest last. */
  get events(): CollectedEvent[] {
    return this.#events.map(({ event }) => event);
  }

  get good(): CollectedEvent[] {
    return this.events.filter(({ errors }) => errors.length === 0);
  }

  get bad(): CollectedEvent[] {
    return this.events.filter(({ errors }) => errors.length > 0);
  }

  get requests(): CollectedRequest[] {
    return [...this.#requests];
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** At most `limit` events whose number is above `number`, oldest first. */
  since(number: number, limit: number): CollectedEvent[] {
    const at = this.#events.findIndex(({ event }) => event.number > number);
    return at < 0 ? [] : this.#events.slice(at, at + limit).map(({ event }) => event);
  }

  /** How many events were removed to make room since the log was last cleared. */
  get forgotten(): number {
    return this.#forgotten;
  }

  addRequest(request: CollectedRequest): void {
    this.#requests.push(request);
    this.#requestBytes += requestBytes(request);
    while (this.#requests.length > 1 && (this.#requests.length > MAX_EVENTS || this.#requestBytes > MAX_BYTES))
      this.#requestBytes -= requestBytes(this.#requests.shift()!);
  }

  add(event: CollectedEvent): void {
    const bytes = eventBytes(event);
    this.#events.push({ event, bytes });
    this.#bytes += bytes;
    while (this.#events.length > 1 && (this.#events.length > MAX_EVENTS || this.#bytes > MAX_BYTES)) {
      this.#bytes -= this.#events.shift()!.bytes;
      this.#forgotten++;
    }
    const outcome = outcomeOf(event);
    this.#totals = { ...this.#totals, [outcome]: this.#totals[outcome] + 1 };
    for (const { added } of this.#listeners) added(event);
  }

  clear(): void {
    this.#events = [];
    this.#requests = [];
    this.#bytes = 0;
    this.#requestBytes = 0;
    this.#forgotten = 0;
    this.#totals = NONE;
    for (const { cleared } of this.#listeners) cleared();
  }

  /** Calls `added` for every new event, and `cleared` when the log is cleared, until the returned function is called. */
  subscribe(added: Listener['added'], cleared: Listener['cleared'] = () => {}): () => void {
    const listener = { added, cleared };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

// Two bytes per character, twice, because JSON fields are also kept decoded. An event also keeps its request.
function eventBytes({ payload, lost, request }: CollectedEvent): number {
  const own = [payload, ...lost].reduce((sum, parameters) => sum + characters(parameters), 0);
  return 4 * own + requestBytes(request) / Math.max(1, request.eventCount);
}

const requestBytes = ({ headers, query }: CollectedRequest): number => 2 * (characters(headers) + query.length) + 1_024;

function characters(record: Readonly<Record<string, string>>): number {
  return Object.entries(record).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
}
