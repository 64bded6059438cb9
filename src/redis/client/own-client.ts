// The client that is made where the user gave a URL: of ioredis or of node-redis, whichever is installed.
import { isMissing } from '../../core/errors';
import { answerOf } from './answer';

const CONNECT_MS = 5_000;
// ioredis holds the process for as long, even over a connection that is gone.
const DISCONNECT_MS = 200;
const LONGEST_PAUSE_MS = 2_000;
const pause = (attempts: number): number => Math.min(50 * 2 ** Math.min(attempts, 10), LONGEST_PAUSE_MS);

export interface OwnClient {
  readonly client:
    { call(command: string, ...args: string[]): Promise<unknown> } | { sendCommand(args: string[]): Promise<unknown> };
  /** Settles with the first attempt to connect; further ones go on behind it. */
  readonly connected: Promise<unknown>;
  /** Why there is no connection, which says more than that a command needs one. */
  trouble(): Error | undefined;
  end(): void;
}

/** Remembers why a client of ours is not connected. */
function troubleOf(client: {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'ready', listener: () => void): unknown;
}): () => Error | undefined {
  let trouble: Error | undefined;
  client.on('error', (error) => {
    trouble = error;
  });
  client.on('ready', () => {
    trouble = undefined;
  });
  return () => trouble;
}

// A replica that was a primary: the address may lead to the new one.
const isReplica = (error: unknown): boolean => answerOf(error) === 'READONLY';

// Commands fail at once while there is no connection: what has to wait waits in a bounded buffer, not in the client.
export function openIoredis(url: string): OwnClient | undefined {
  const module = optional('ioredis', () => require('ioredis') as typeof import('ioredis'));
  if (!module) return undefined;
  const client = new module.Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    connectTimeout: CONNECT_MS,
    disconnectTimeout: DISCONNECT_MS,
    retryStrategy: pause,
    reconnectOnError: isReplica,
  });
  const trouble = troubleOf(client);
  client.on('connect', () => (client as unknown as { stream?: { unref?(): void } }).stream?.unref?.());
  return { client, connected: client.connect(), trouble, end: () => client.disconnect() };
}

export function openNodeRedis(url: string): OwnClient | undefined {
  const module = optional('redis', () => require('redis') as typeof import('redis'));
  if (!module) return undefined;
  const client = module.createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: pause },
  });
  const trouble = troubleOf(client);
  client.on('connect', () => client.unref());
  const failed = new Promise((resolve) => {
    client.on('error', resolve);
  });
  const connected = Promise.race([client.connect(), failed]);
  // What ioredis does of its own accord.
  const sendCommand = async (args: string[]): Promise<unknown> => {
    try {
      return await client.sendCommand(args);
    } catch (error) {
      if (isReplica(error) && client.isReady) {
        client.destroy();
        client.connect().catch(() => {});
      }
      throw error;
    }
  };
  return { client: { sendCommand }, connected, trouble, end: () => client.destroy() };
}

/** A package of the user's, if it is installed. */
function optional<Module>(name: string, load: () => Module): Module | undefined {
  try {
    return load();
  } catch (error) {
    if (!isMissing(error, name)) throw error;
    return undefined;
  }
}
