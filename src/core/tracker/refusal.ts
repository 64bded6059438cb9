// Why an event cannot become a payload: thrown while it is encoded, and counted by the tracker. Never reaches the user.
import type { Caller } from '../contracts';
import type { RefuseReason } from '../emitter';
import { ContractError, hasCode } from '../errors';
import { isObject } from '../shape';

type Breach = Pick<ContractError, 'path' | 'expected' | 'received'>;

export class Refusal extends Error {
  readonly #reason: RefuseReason;
  readonly #breach: Breach | undefined;

  /** @param breach What the caller's argument has to be, and is not, where the caller is at fault. */
  constructor(reason: RefuseReason, breach?: Breach) {
    super(reason);
    this.#reason = reason;
    this.#breach = breach;
  }

  /** Why the event was refused that `error`, of any origin, was thrown for. */
  static reasonOf(error: unknown): RefuseReason {
    return Refusal.#is(error) ? error.#reason : 'unserializable';
  }

  /** The broken contract that `error` is, or would be if a caller's arguments were checked; undefined where it is none. */
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
