// The HTTP client, undici, by its file: Bun puts a stub of its own in the place of the package's name.
export { buildConnector, type Dispatcher, Pool } from 'undici/index.js';
