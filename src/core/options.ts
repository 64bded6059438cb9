// Checks an options object once, where it comes in, so that nothing below has to ask again: known names, right types, defaults.
import { ConfigError, show, UNREADABLE } from './errors';
import { isObject } from './contracts';

/** One option's check: what it must be, in words, and whether a value is that. */
export interface OptionRule {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

export type OptionRules<Options> = { readonly [Name in keyof Required<Options>]: OptionRule };

const rule = (expected: string, fits: (value: unknown) => boolean): OptionRule => ({
  expected,
  accepts: (value) => {
    try {
      return fits(value);
    } catch {
      // What cannot be looked at is not what an option asks for.
      return false;
    }
  },
});

/** An object as a literal makes it, of whatever realm: no list, no Map, no instance of a class, of which only a part could be read. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (isObject(prototype) && Object.getPrototypeOf(prototype) === null);
}

export const integer = (minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): OptionRule =>
  rule(
    maximum === Number.MAX_SAFE_INTEGER
      ? `an integer of at least ${minimum}`
      : `an integer from ${minimum} to ${maximum}`,
    (value) => Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum,
  );
export const oneOf = (...choices: readonly string[]): OptionRule =>
  rule(`one of ${choices.map((choice) => `'${choice}'`).join(', ')}`, (value) => choices.includes(value as string));
export const text = rule('a non-empty string', (value) => typeof value === 'string' && value !== '');
export const flag = rule('true or false', (value) => typeof value === 'boolean');
export const callback = rule('a function', (value) => typeof value === 'function');
export const list = (expected: string, accepts: (item: unknown) => boolean): OptionRule =>
  rule(expected, (value) => Array.isArray(value) && value.every((item) => accepts(item)));
/** An object that has these methods: how clients, stores and loggers are taken without importing their packages. */
export const having = (expected: string, ...methods: readonly string[]): OptionRule =>
  rule(
    expected,
    (value) =>
      isObject(value) && methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
  );
export const either = (...rules: readonly OptionRule[]): OptionRule =>
  rule(rules.map(({ expected }) => expected).join(' or '), (value) => rules.some(({ accepts }) => accepts(value)));
export const custom = rule;

/** The rule of every `logger` option. */
export const loggerRule = either(
  having('an object with debug, info, warn and error methods', 'debug', 'info', 'warn', 'error'),
  rule('false', (value) => value === false),
);

// Options that were checked where they came in, by the object that carries them on.
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
 * Checks `given` against `rules` and lays it over `defaults`: explicit `undefined` counts as not given, an unknown name
 * is refused (it is a typo more often than not), and the result is a frozen copy.
 *
 * @param owner What takes the options, as the user wrote it: `Emitter`, `snowplow`.
 * @param elsewhere Where else options are given, with the rules there: `emitter` to the emitter's.
 * @throws ConfigError that names the option, what was expected and what came, and where a misplaced option belongs.
 */
export function resolveOptions<Options extends object, Defaults extends Partial<Options>>(
  owner: string,
  given: Options,
  rules: OptionRules<Options>,
  defaults: Defaults,
  elsewhere: Readonly<Record<string, object>> = {},
): Readonly<Options & Defaults> {
  // Without a prototype: what is not given must not be found there.
  const resolved: Record<string, unknown> = Object.assign(Object.create(null), defaults);
  for (const [name, value] of Object.entries(readOptions(owner, given))) {
    const check = Object.hasOwn(rules, name) ? rules[name as keyof Options] : undefined;
    if (!check)
      throw new ConfigError(
        `${owner}: ${named(name)}`,
        `a known option${placeOf(name, elsewhere) ?? closest(name, Object.keys(rules))}`,
        'an unknown name',
      );
    if (value === undefined) continue;
    if (!checked.get(given)?.has(name) && !check.accepts(value))
      throw new ConfigError(`${owner}: ${name}`, check.expected, show(value));
    resolved[name] = value;
  }
  return Object.freeze(resolved) as Readonly<Options & Defaults>;
}

/** A copy of an options object. @throws ConfigError when it is none, or cannot be read. */
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

/** A name from outside, as a message may hold it: one line, cut short, and quoted where it is no common name. */
export const named = (name: string): string =>
  /^[\p{L}\p{N}_$.-]{1,40}$/u.test(name) ? name : show(name).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '·');

function placeOf(name: string, elsewhere: Readonly<Record<string, object>>): string | undefined {
  for (const [place, rules] of Object.entries(elsewhere))
    if (Object.hasOwn(rules, name)) return `; it belongs under \`${place}: { ${name} }\``;
  return undefined;
}

// A typo is mostly one of case or of a letter or two: the same letters without case, or a shared beginning.
function closest(name: string, known: readonly string[]): string {
  const lower = name.toLowerCase();
  const match =
    known.find((candidate) => candidate.toLowerCase() === lower) ??
    known.find((candidate) => candidate.toLowerCase().slice(0, 4) === lower.slice(0, 4));
  return match ? ` (did you mean '${match}'?)` : '';
}
