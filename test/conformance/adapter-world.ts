// Adapter contract: what a framework supplies for it, and the running app that its tests use.
import {
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Readable } from 'node:stream';
import { type Collector, startCollector } from '../../src/collector';
import type { Payload } from '../../src/core/emitter';
import type { RequestTracker, Tracker } from '../../src/core/tracker/tracker';
import { createTracker } from '../../src/create-tracker';
import type { RequestOptions } from '../../src/middleware/options';

/** A request as the suite's handler sees it, whatever the framework. */
export interface Call {
  readonly tracker: RequestTracker;
  readonly query: URLSearchParams;
  readonly raw: { readonly req: IncomingMessage; readonly res: ServerResponse };
  send(status: number, body: string | Readable, headers?: Record<string, string>): unknown;
  /** Node's response, for a handler that answers without its framework. */
  takeRaw(): ServerResponse;
}

/** What a framework's app is made of: one handler at `<mountPath>/r/:name`, and its own 404 for the rest. */
export interface Setup {
  /** Options of the middleware; a second list entry is a second mount. */
  readonly mounts: readonly (RequestOptions<object, object> & { tracker: Tracker })[];
  /** The framework's trust-proxy setting, in its own words. */
  readonly trust: unknown;
  /** Whether the server speaks HTTP/2, over TLS. */
  readonly http2: boolean;
  /** Where the app is mounted in an outer one; '' for nowhere. */
  readonly mountPath: string;
  readonly handle: (call: Call) => unknown;
  /** What the app's own error handler does before it answers with 418. */
  readonly onError: ((call: Call, error: unknown) => void) | undefined;
}

export interface RunningApp {
  readonly server: Server;
  close(): Promise<void>;
}

export interface Adapter {
  start(setup: Setup): Promise<RunningApp>;
  /** Trust-proxy settings, and the address that each finds in {@link FORWARDED}. */
  readonly trust: readonly (readonly [setting: unknown, address: string])[];
  /** The setting that trusts every proxy, and which entry of a list in `X-Forwarded-Host` it takes. */
  readonly trusting: readonly [setting: unknown, entry: 'first' | 'last'];
  /** Whether the framework speaks HTTP/2. */
  readonly http2: boolean;
  /** The route's pattern as the framework knows it, undefined where it has none. */
  readonly route: string | undefined;
}

/** Two entries that a client may have written, and the nearest proxy's. */
export const FORWARDED = '6.6.6.6, 1.2.3.4, 10.0.0.5';

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** One running app, with a collector and a tracker of its own. */
export class World {
  collector!: Collector;
  tracker!: Tracker;
  url = '';
  app: RunningApp | undefined;
  readonly #open = new Set<ServerResponse>();

  constructor(readonly adapter: Adapter) {}

  async begin(): Promise<void> {
    this.collector = await startCollector();
    this.tracker = createTracker({
      endpoint: this.collector.url,
      namespace: 'web',
      appId: 'shop',
      logger: false,
      emitter: { batchSize: 50, logger: false },
    });
  }

  /** Starts the app. `options` are those of its first mount; `others` are further mounts. */
  async start(
    handle: (call: Call) => unknown,
    options: RequestOptions<object, object> = {},
    rest: Partial<Setup> & { others?: Setup['mounts'] } = {},
  ): Promise<void> {
    const { others = [], ...setup } = rest;
    const mounts = [{ tracker: this.tracker, ...options }, ...others];
    this.app = await this.adapter.start({
      trust: undefined,
      mountPath: '',
      http2: false,
      onError: undefined,
      handle,
      mounts,
      ...setup,
    });
    const { server } = this.app;
    server.prependListener('request', (_req: unknown, res: ServerResponse) => {
      this.#open.add(res);
      for (const end of ['finish', 'close']) res.once(end, () => this.#open.delete(res));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.url = `${setup.http2 ? 'https' : 'http'}://127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  async get(path: string, headers: OutgoingHttpHeaders = {}, method = 'GET'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.open(path, headers, method)
        .on('error', reject)
        .on('response', (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (text: string) => (body += text));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
          response.on('error', reject);
        });
    });
  }

  /** Sends a request and hands it over as it is. */
  open(path: string, headers: OutgoingHttpHeaders = {}, method = 'GET'): ClientRequest {
    return request(this.url + path, { method, headers }).end();
  }

  /** Every event so far, once each response has ended and the tracker has sent what it holds. */
  async events(): Promise<Payload[]> {
    while (this.#open.size > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await this.tracker.flush();
    return this.collector.good().map(({ payload }) => payload);
  }

  async end(): Promise<void> {
    // A server of HTTP/2 has no such thing.
    this.app?.server.closeAllConnections?.();
    await this.app?.close();
    await this.tracker.close();
    await this.collector.close();
  }
}
