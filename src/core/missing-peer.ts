// Optional peers. Each is loaded where it is used, by a literal `require` inside a `try`: so that bundlers see it, and see that it
// may be missing.

/**
 * Whether a package could not be loaded because it is not installed. Whatever else went wrong is the package's own.
 *
 * @example
 * try { return require('redis'); } catch (error) { if (!isMissing(error, 'redis')) throw error; }
 */
export function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') && message.includes(`'${name}'`);
}
