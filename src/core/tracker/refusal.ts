// The error for an event that cannot become a payload. The encoder throws it, the tracker counts it, users never see it.
import { type Caller, isObject } from '../contracts';
import type { RefuseReason } from '../emitter';
import { ContractError, hasCode } from '../errors';

type Breach = Pick<ContractError, 'path' | 'expected' | 'received'>;

export class Refusal extends Error {
  readonly #reason: RefuseReason;
  readonly #breach: Breach | undefined;

  /** @param breach Which argument of the caller is at fault, and how; left out if none is. */
  constructor(reason: RefuseReason, breach?: Breach) {
    super(reason);
    this.#reason = reason;
    this.#breach = breach;
  }

  /** The reason to count for `error`, which may come from anywhere. */
  static reasonOf(error: unknown): RefuseReason {
    return Refusal.#is(error) ? error.#reason : 'unserializable';
  }

  /** The broken contract behind `error`; undefined if there is none, or if contracts are off. */
  static breachOf(error: unknown, caller: Caller): ContractError | undefined {
    if (hasCode(error, 'ERR_SNOWPLOW_CONTRACT')) return error as ContractError;
    if (!caller || !Refusal.#is(error) || !error.#breach) return undefined;
    const { path, expected, received } = error.#breach;
    return new ContractError(caller, path, expected, received);
  }

  static #is(error: unknown): error is Refusal {
    return isObject(error) && #reason in error;
  }
}
