// Injected faults: failing answers, broken connections, delays.
import { isObject } from '../../core/contracts';
import { ConfigError, show } from '../../core/errors';
import { custom, flag, integer, oneOf, resolveOptions } from '../../core/options';

/**
 * A fault of the next tracker requests.
 *
 * @example
 * collector.fail({ status: 503, headers: { 'Retry-After': '1' }, times: 2 });
 * collector.fail({ connection: 'reset', accept: true }); // accepted, but the tracker does not know: it will send a duplicate
 */
export interface Fault {
  /**
   * The status of the answer.
   * @default 503
   */
  status?: number;
  /** Headers of the answer, such as `Retry-After`. */
  headers?: Readonly<Record<string, string>>;
  /** Instead of an answer: `reset` the connection, or let the tracker wait until it times out or the collector closes. */
  connection?: 'reset' | 'hang';
  /**
   * How many requests; later calls add faults after these.
   * @default until `reset()`
   */
  times?: number;
  /**
   * Store the events anyway, like a collector whose answer is lost.
   * @default false
   */
  accept?: boolean;
}

const FAULT_RULES = {
  status: integer(200, 599),
  headers: custom('an object of header names to strings', (value) => isObject(value)),
  connection: oneOf('reset', 'hang'),
  times: integer(1),
  accept: flag,
};

type Planned = Fault & { status: number };

export class Faults {
  #planned: { fault: Planned; left: number }[] = [];
  #delayMs = 0;

  get delayMs(): number {
    return this.#delayMs;
  }

  /** @throws ConfigError for an invalid fault. */
  plan(fault: Fault): void {
    const resolved = resolveOptions('fail', fault, FAULT_RULES, { status: 503 });
    this.#planned.push({ fault: resolved, left: resolved.times ?? Infinity });
  }

  /** @throws ConfigError unless `ms` is a whole number of milliseconds from 0. */
  delay(ms: number): void {
    if (!Number.isInteger(ms) || ms < 0) throw new ConfigError('delay', 'an integer of at least 0', show(ms));
    this.#delayMs = ms;
  }

  /** Returns and uses up the fault of the next request, if any. */
  next(): Planned | undefined {
    const [first] = this.#planned;
    if (first && --first.left <= 0) this.#planned.shift();
    return first?.fault;
  }

  clear(): void {
    this.#planned = [];
    this.#delayMs = 0;
  }
}
