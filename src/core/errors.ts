// The two errors that users meet: wrong set-up, and a broken contract. Identify them by `code`, not by class.

/**
 * A mistake in the set-up, thrown at construction. The message names the option, what was expected and what came.
 *
 * @example
 * try { new Emitter({ endpoint: 'ftp://c.acme.com' }); } catch (error) { error.code; } // 'ERR_SNOWPLOW_CONFIG'
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'ERR_SNOWPLOW_CONFIG';
  /**
   * @param option The option at fault, after the name of its owner: `Emitter: port`.
   * @param expected What is allowed.
   * @param received What came, in words; left out if it could hold a secret.
   */
  constructor(
    readonly option: string,
    readonly expected: string,
    readonly received?: string,
    message = `${option} must be ${expected}${received === undefined ? '' : `, got ${received}`}`,
  ) {
    super(message);
  }
}

/**
 * A broken contract: an argument that would create an event the pipeline refuses.
 * Thrown in contract mode `throw` only; a middleware's tracker in production logs and counts it instead.
 *
 * @example
 * tracker.trackPageView({ pageUrl: '' });
 * // ContractError: trackPageView: `pageUrl` must be a non-empty string, got ""
 */
export class ContractError extends TypeError {
  override readonly name = 'ContractError';
  readonly code = 'ERR_SNOWPLOW_CONTRACT';
  /**
   * @param caller The method that was called.
   * @param path The argument at fault, as the caller would write it: `items[1].price`.
   * @param expected What the contract asks for.
   * @param received What came, in words.
   */
  constructor(
    readonly caller: string,
    readonly path: string,
    readonly expected: string,
    readonly received: string,
  ) {
    super(`${caller}: \`${path}\` must be ${expected}, got ${received}`);
  }
}

/** Describes a value for an error message: short, on one line, never the content of an object. Cannot throw. */
export function show(value: unknown): string {
  try {
    return worded(value);
  } catch {
    return UNREADABLE;
  }
}

/** The description of a value that throws when it is read: a revoked Proxy, a getter. */
export const UNREADABLE = 'a value that cannot be read';

function worded(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'function') return 'a function';
  return String(value);
}

/** Identifies our errors without `instanceof`, which fails across two installed copies of the package. */
export function hasCode(error: unknown, code: string): boolean {
  try {
    return typeof error === 'object' && error !== null && (error as { code?: unknown }).code === code;
  } catch {
    // Any value can be thrown, even a revoked Proxy.
    return false;
  }
}

// Optional peers are loaded where they are used, by a literal `require` inside a `try`: bundlers then find it, and know that it may
// be missing.
/**
 * Whether a package could not be loaded because it is not installed. Any other error is the package's own.
 *
 * @example
 * try { return require('redis'); } catch (error) { if (!isMissing(error, 'redis')) throw error; }
 */
export function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') && message.includes(`'${name}'`);
}
