// The HTTP client, undici, by its file: Bun puts a stub of its own in the place of the package's name.
import type * as Undici from 'undici/index.js';

export type { Dispatcher, Pool } from 'undici/index.js';

/** Loads undici, which costs a process that starts more than the rest of the package. Node remembers it. */
export const loadUndici = (): typeof Undici => require('undici/index.js') as typeof Undici;
