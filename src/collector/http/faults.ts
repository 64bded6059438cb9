// The bad days of a collector, on order: failing answers, broken connections, delays.
import { isObject } from '../../core/contracts';
import { ConfigError, show } from '../../core/errors';
import { custom, flag, integer, oneOf, resolveOptions } from '../../core/options';

/**
 * What becomes of the next tracker requests.
 *
 * @example
 * collector.fail({ status: 503, headers: { 'Retry-After': '1' }, times: 2 });
 * collector.fail({ connection: 'reset', accept: true }); // taken, but the tracker never learns: a duplicate is due
 */
export interface Fault {
  /**
   * The answer.
   * @default 503
   */
  status?: number;
  /** Headers of the answer, such as `Retry-After`. */
  headers?: Readonly<Record<string, string>>;
  /** Instead of an answer: `reset` the connection, or let the tracker wait until it gives up or the collector closes. */
  connection?: 'reset' | 'hang';
  /**
   * How many requests; further calls add further faults behind these.
   * @default until `reset()`
   */
  times?: number;
  /**
   * Keep the events all the same, as a collector does whose answer gets lost.
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

  /** @throws ConfigError on a fault that makes no sense. */
  plan(fault: Fault): void {
    const resolved = resolveOptions('fail', fault, FAULT_RULES, { status: 503 });
    this.#planned.push({ fault: resolved, left: resolved.times ?? Infinity });
  }

  /** @throws ConfigError unless `ms` is a whole number of milliseconds from 0. */
  delay(ms: number): void {
    if (!Number.isInteger(ms) || ms < 0) throw new ConfigError('delay', 'an integer of at least 0', show(ms));
    this.#delayMs = ms;
  }

  /** Takes the fault of the next request, if it has one. */
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
