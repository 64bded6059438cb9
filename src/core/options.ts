// Checks an options object once, where it comes in: known names, right types, defaults. No code below checks again.
import { isObject } from './contracts';
import { ConfigError, show, UNREADABLE } from './errors';

/** One option's check: what is allowed, in words, and whether a value is that. */
export interface OptionRule {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
  /** Describes a value that is not accepted, if {@link show} says too little. */
  readonly describe?: (value: unknown) => string;
}

export type OptionRules<Options> = { readonly [Name in keyof Required<Options>]: OptionRule };

/** A rule with its own check. */
export const custom = (expected: string, fits: (value: unknown) => boolean): OptionRule => ({
  expected,
  accepts: (value) => {
    try {
      return fits(value);
    } catch {
      // A value that throws when it is read is never allowed.
      return false;
    }
  },
});

/** Whether a value is an object as a literal makes it, of any realm. A list, a Map or a class instance would be read only in part. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (isObject(prototype) && Object.getPrototypeOf(prototype) === null);
}

export const integer = (minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): OptionRule =>
  custom(
    maximum === Number.MAX_SAFE_INTEGER
      ? `an integer of at least ${minimum}`
      : `an integer from ${minimum} to ${maximum}`,
    (value) => Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum,
  );
export const oneOf = (...choices: readonly string[]): OptionRule =>
  custom(`one of ${choices.map((choice) => `'${choice}'`).join(', ')}`, (value) => choices.includes(value as string));
export const text = custom('a non-empty string', (value) => typeof value === 'string' && value !== '');
export const flag = custom('true or false', (value) => typeof value === 'boolean');
export const callback = custom('a function', (value) => typeof value === 'function');
export const list = (expected: string, accepts: (item: unknown) => boolean): OptionRule => ({
  ...custom(expected, (value) => Array.isArray(value) && value.every((item) => accepts(item))),
  describe(value) {
    try {
      if (Array.isArray(value)) return `a list with ${show(value.find((item) => !accepts(item)))}`;
    } catch {
      // Such a value has no better description.
    }
    return show(value);
  },
});
/** An object with these methods: accepts clients, stores and loggers without importing their packages. */
export const having = (expected: string, ...methods: readonly string[]): OptionRule =>
  custom(
    expected,
    (value) =>
      isObject(value) && methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
  );
export const either = (...rules: readonly OptionRule[]): OptionRule =>
  custom(rules.map(({ expected }) => expected).join(' or '), (value) => rules.some(({ accepts }) => accepts(value)));

/** The rule of every `logger` option. */
export const loggerRule = either(
  having('an object with debug, info, warn and error methods', 'debug', 'info', 'warn', 'error'),
  custom('false', (value) => value === false),
);

// The names of options that are already checked, by the object that holds them.
const checked = new WeakMap<object, ReadonlySet<string>>();

/**
 * Marks options as checked: {@link resolveOptions} does not check them again in this object.
 *
 * @param names Which ones; all of them by default.
 */
export function asChecked<Options extends object>(options: Options, names = Object.keys(options)): Options {
  checked.set(options, new Set(names));
  return options;
}

/**
 * Checks `given` against `rules` and lays it over `defaults`. Explicit `undefined` counts as not given, an unknown name is
 * refused because it is usually a typo, and the result is a frozen copy.
 *
 * @param owner What takes the options, as the user wrote it: `Emitter`, `snowplow`.
 * @param elsewhere Nested option objects with their rules, where a misplaced option may belong: `emitter` with the emitter's.
 * @throws ConfigError that names the option, what was expected and what came, and where a misplaced option belongs.
 */
export function resolveOptions<Options extends object, Defaults extends Partial<Options>>(
  owner: string,
  given: Options,
  rules: OptionRules<Options>,
  defaults: Defaults,
  elsewhere: Readonly<Record<string, object>> = {},
): Readonly<Options & Defaults> {
  // Without a prototype, which could supply options that were not given.
  const resolved: Record<string, unknown> = Object.assign(Object.create(null), defaults);
  for (const [name, value] of Object.entries(readOptions(owner, given))) {
    const check = Object.hasOwn(rules, name) ? rules[name as keyof Options] : undefined;
    if (!check) {
      const hint = placeOf(name, elsewhere) ?? closest(name, Object.keys(rules));
      const message = `${owner}: Unknown option \`${named(name)}\`${hint}`;
      throw new ConfigError(`${owner}: ${named(name)}`, `a known option${hint}`, 'an unknown name', message);
    }
    if (value === undefined) continue;
    if (!checked.get(given)?.has(name) && !check.accepts(value))
      throw new ConfigError(`${owner}: ${name}`, check.expected, (check.describe ?? show)(value));
    resolved[name] = value;
  }
  return Object.freeze(resolved) as Readonly<Options & Defaults>;
}

/** A copy of an options object. @throws ConfigError if it is not a plain object, or cannot be read. */
export function readOptions<Options extends object>(owner: string, given: Options): Options {
  let read: Options | undefined;
  try {
    if (isPlain(given)) read = { ...given };
  } catch {
    throw new ConfigError(`${owner} options`, 'a plain object', UNREADABLE);
  }
  if (!read) throw new ConfigError(`${owner} options`, 'a plain object', show(given));
  return read;
}

/** A name from outside, made safe for a message: one line, truncated, and quoted unless it is a common name. */
export const named = (name: string): string =>
  /^[\p{L}\p{N}_$.-]{1,40}$/u.test(name) ? name : show(name).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '·');

function placeOf(name: string, elsewhere: Readonly<Record<string, object>>): string | undefined {
  for (const [place, rules] of Object.entries(elsewhere))
    if (Object.hasOwn(rules, name)) return `; it belongs under \`${place}: { ${name} }\``;
  return undefined;
}

// Most typos are in the case or in a letter or two: finds the same letters in another case, or a shared beginning.
function closest(name: string, known: readonly string[]): string {
  const lower = name.toLowerCase();
  const match =
    known.find((candidate) => candidate.toLowerCase() === lower) ??
    known.find((candidate) => candidate.toLowerCase().slice(0, 4) === lower.slice(0, 4));
  return match ? `; did you mean \`${match}\`?` : '';
}
