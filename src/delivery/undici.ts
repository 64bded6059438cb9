// The HTTP client, undici: what delivery uses of it.
export { buildConnector, type Dispatcher, Pool } from 'undici';
