// Argument checks of every public method, and the predicates behind them.
// A check throws a ContractError; the caller decides how to answer it.
import { ContractError, show } from './errors';

/**
 * What a tracker does with a broken contract: throw it, log it and refuse the event as `invalid`, or check nothing.
 */
export type ContractMode = 'throw' | 'log' | 'off';

/** The public method whose arguments are checked, for the message; undefined if contracts are off. */
export type Caller = string | undefined;

// On globalThis, so that the process has one switch even with two installed copies of the package.
const SWITCH = Symbol.for('snowplow-middleware.contracts.v1');
const holder = globalThis as { [SWITCH]?: { on: boolean } };
const process = (holder[SWITCH] ??= { on: true });

/**
 * Turns every contract of this process on again.
 *
 * @example
 * enableContracts();
 */
export function enableContracts(): void {
  process.on = true;
}

/**
 * Turns every contract of this process off: arguments are no longer checked, and what cannot be sent is left out.
 *
 * @example
 * if (process.env.NODE_ENV === 'production') disableContracts();
 */
export function disableContracts(): void {
  process.on = false;
}

/** `caller` while contracts are on, else undefined. Builders pass it to their checks. */
export function contractsFor(caller: string): Caller {
  return process.on ? caller : undefined;
}

/** undefined, null and '' all mean that an optional argument is absent. */
export const isAbsent = (value: unknown): value is undefined | null | '' =>
  value === undefined || value === null || value === '';

export function fail(caller: string, path: string, expected: string, received: unknown): never {
  throw new ContractError(caller, path, expected, show(received));
}

export function checkText(caller: string, path: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') fail(caller, path, 'a non-empty string', value);
}

export function checkOptionalText(caller: string, path: string, value: unknown): void {
  if (typeof value !== 'string' && !isAbsent(value)) fail(caller, path, 'a string', value);
}

/** An id as databases return it; sent as text. A number must be a safe integer, because others are rounded. */
export type Id = string | number | bigint;

export function checkId(caller: string, path: string, value: unknown): void {
  if ((typeof value !== 'string' || value === '') && typeof value !== 'bigint' && !Number.isSafeInteger(value))
    fail(caller, path, 'a non-empty string, a safe integer or a bigint', value);
}

/** An id as text; any other value unchanged. */
export const idText = (value: unknown): unknown =>
  typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : value;

export function checkNumber(caller: string, path: string, value: unknown): void {
  if (!Number.isFinite(value)) fail(caller, path, 'a finite number', value);
}

export function checkOptionalNumber(caller: string, path: string, value: unknown): void {
  if (!isAbsent(value) && !Number.isFinite(value)) fail(caller, path, 'a finite number', value);
}

/** The largest integer of the pipeline's int32 columns. */
export const INT32_MAX = 2_147_483_647;

/** Checks an integer of an int32 column, from `minimum` up. */
export function checkInteger(caller: string, path: string, value: unknown, minimum: number): void {
  if (!Number.isInteger(value) || (value as number) < minimum || (value as number) > INT32_MAX)
    fail(caller, path, minimum === 1 ? 'a positive integer' : `an integer from ${minimum} to ${INT32_MAX}`, value);
}

export function checkOptionalInteger(caller: string, path: string, value: unknown, minimum: number): void {
  if (!isAbsent(value)) checkInteger(caller, path, value, minimum);
}

export function checkOneOf(caller: string, path: string, value: unknown, choices: readonly string[]): void {
  if (!choices.includes(value as string)) fail(caller, path, `one of ${choices.join(', ')}`, value);
}

export function checkTextList(caller: string, path: string, value: unknown): void {
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string'))
    fail(caller, path, 'an array of strings', value);
}

export function checkObject(caller: string, path: string, value: unknown): void {
  if (!isJsonObject(value)) fail(caller, path, 'an object', value);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Whether a value is the canonical text form of a UUID, any version: the pipeline requires it of `eid` and `sid`. */
export const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);

export function checkOptionalUuid(caller: string, path: string, value: unknown): void {
  if (!isAbsent(value) && !isUuid(value)) fail(caller, path, 'a UUID', value);
}

export function checkOptionalFlag(caller: string, path: string, value: unknown): void {
  if (!isAbsent(value) && typeof value !== 'boolean') fail(caller, path, 'true or false', value);
}

/** Whether a value is an object or an array, and not null. */
export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Whether a value is an object and not an array: what JSON calls an object. */
export const isJsonObject = (value: unknown): value is object => isObject(value) && !Array.isArray(value);

/** Whether a value is a promise of any implementation. */
export const isThenable = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
