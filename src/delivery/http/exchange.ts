// One HTTP request to the collector and its answer: the deadlines, the cut, and what undici reports read as an outcome.
import { LONGEST_TIMER_MS } from '../../core/deadline';
import { asError } from '../transport';
import type { Dispatcher } from './undici';
import { statusOf } from './unread-answer';

// An answer says all it has to say in its status; a longer body is cut off.
const MAX_ANSWER_BYTES = 65_536;
// How long an answer's body may take, once its status has said all: as long as it lasts it occupies the connection.
const LONGEST_BODY_MS = 1_000;

// What undici calls an answer whose head it refuses; lengths that do not match are so early only where the head has two.
const UNREADABLE: ReadonlySet<string> = new Set([
  'HTTPParserError', 'HeadersOverflowError', 'ResponseContentLengthMismatchError',
]); // prettier-ignore

export type Outcome = number | 'stale' | { readonly error: Error };

/** How long the parts of an exchange may take, in milliseconds. */
export interface Limits {
  /** From the call to the status; or to the start of the request, where that has a limit of its own. */
  readonly whole: number;
  readonly response: number | undefined;
}

/** One request and its answer, as undici reports them. The status alone decides, as soon as it is there. */
export class Exchange implements Dispatcher.DispatchHandler {
  retryAfter: unknown;
  /** What the request was begun on: where there was no connection yet, a failure says nothing of its events. */
  connection: 'none' | 'fresh' | 'reused' = 'none';
  /** There was an answer, and undici could not read it: why. */
  unreadable: string | undefined;
  readonly #limits: Limits;
  readonly #isReused: () => boolean;
  #settle: (outcome: Outcome) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #answered = false;
  #cut: Error | undefined;
  #received = 0;

  constructor(limits: Limits, isReused: () => boolean) {
    this.#limits = limits;
    this.#isReused = isReused;
  }

  run(dispatcher: Dispatcher, options: Dispatcher.DispatchOptions): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#arm(this.#limits.whole);
      try {
        dispatcher.dispatch(options, this);
      } catch (error) {
        this.#end();
        resolve({ error: asError(error) });
      }
    });
  }

  /** Ends the exchange, wherever it is: a request that still waits for a connection will not be sent. */
  cut(error: Error): void {
    this.#cut ??= error;
    this.#controller?.abort(error);
    this.#end();
    this.#settle({ error });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.connection = this.#isReused() ? 'reused' : 'fresh';
    if (this.#cut) controller.abort(this.#cut);
    else if (this.#limits.response !== undefined) this.#arm(this.#limits.response);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    if (status < 200) return;
    this.#answered = true;
    this.retryAfter = headers['retry-after'];
    this.#settle(status);
    // The rest is waited for only because the connection can then be used again.
    this.#arm(Math.min(LONGEST_BODY_MS, this.#limits.whole / 2));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#received > MAX_ANSWER_BYTES) controller.abort(new Error('the answer was too long'));
  }

  onResponseEnd(): void {
    this.#end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error & { code?: string }): void {
    this.#end();
    if (!this.#answered && !this.#cut && isUnreadable(error)) {
      // An error of its own: undici's holds what the answer said.
      this.unreadable = `the collector's answer cannot be parsed: ${error.message} (${error.code ?? error.name})`;
      this.#settle(statusOf(error) ?? { error: new Error(this.unreadable) });
      return;
    }
    const dead = error.code === 'UND_ERR_SOCKET' || error.code === 'ECONNRESET' || error.code === 'EPIPE';
    const stale = this.connection === 'reused' && !this.#answered && !this.#cut && dead;
    this.#settle(stale ? 'stale' : { error });
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer);
    // After a blocked event loop an answer may be waiting behind the timer: it gets one more turn to be read.
    const onTime = (): void => void setImmediate(() => this.#timer === timer && this.#expire());
    const timer = setTimeout(onTime, Math.min(ms, LONGEST_TIMER_MS)).unref();
    this.#timer = timer;
  }

  #expire(): void {
    this.cut(new Error(`no answer from the collector within ${this.#limits.response ?? this.#limits.whole} ms`));
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

// An interim answer 100 or 101 that nobody asked for is a "bad response" or a "bad upgrade".
const isUnreadable = ({ name, code, message }: Error & { code?: string }): boolean =>
  UNREADABLE.has(name) || (code === 'UND_ERR_SOCKET' && message.startsWith('bad '));
