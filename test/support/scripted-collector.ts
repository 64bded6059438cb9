// A collector of raw sockets, for what the package's own cannot do and stay an HTTP server: half answers, resets in the middle
// of one, bodies that drip or never end, TLS, answers that wait for the test, and the very bytes that came on each connection.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { SELF_SIGNED_CERTIFICATE, SELF_SIGNED_KEY } from './self-signed';

/** A request as it came off the wire. */
export interface ReceivedRequest {
  /** From 0, over all connections. */
  readonly index: number;
  /** From 0: which connection it came on, and which request of that connection it was. */
  readonly connection: number;
  readonly indexOnConnection: number;
  readonly method: string;
  /** The target with its query, as it was sent. */
  readonly target: string;
  /** Lower-case names; a name that came twice has its values joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** The head as it came, without its last empty line. */
  readonly head: string;
  readonly body: Buffer;
  /** The events of a POST body or of a GET query; none where it is neither. */
  readonly events: readonly Readonly<Record<string, string>>[];
}

/** What is done with one request. `commits` says that its events count as taken, whatever the client gets to know. */
export interface Reaction {
  readonly commits: boolean;
  run(socket: Socket, request: ReceivedRequest): void | Promise<void>;
}

const write = (socket: Socket, text: string): void => void (socket.destroyed || socket.write(text));

const head = (status: number, headers: Readonly<Record<string, string | number>>): string =>
  `HTTP/1.1 ${status} Scripted\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;

/** A complete answer. Commits when the status is 2xx. */
export const answer = (status = 200, headers: Readonly<Record<string, string>> = {}, body = 'ok'): Reaction => ({
  commits: status >= 200 && status < 300,
  run: (socket) => write(socket, head(status, { 'content-length': Buffer.byteLength(body), ...headers }) + body),
});

/** Reads the request and resets the connection, before or (`commits`) after it has stored the events. */
export const reset = ({ commits = false } = {}): Reaction => ({
  commits,
  run: (socket) => void socket.resetAndDestroy(),
});

/** Reads the request and ends the connection in good order, without an answer. */
export const hangUp = ({ commits = false } = {}): Reaction => ({ commits, run: (socket) => void socket.end() });

/** Reads the request and never answers. */
export const hang = (): Reaction => ({ commits: false, run: () => {} });

/** Waits, and then does something else. */
export const after = (ms: number, then: Reaction): Reaction => ({
  commits: then.commits,
  run: (socket, request) => void setTimeout(() => void then.run(socket, request), ms).unref(),
});

/** Waits for a promise of the test's, and then does something else. */
export const onceReady = (ready: Promise<unknown>, then: Reaction): Reaction => ({
  commits: then.commits,
  run: async (socket, request) => {
    await ready;
    await then.run(socket, request);
  },
});

/** Sends the status and the headers of a good answer, and then resets the connection. */
export const headersThenReset = (status = 200): Reaction => ({
  commits: status < 300,
  run: (socket) =>
    void socket.write(head(status, { 'content-length': 10 }), () => setImmediate(() => socket.resetAndDestroy())),
});

const drip = (socket: Socket, everyMs: number, next: () => string): void => {
  const timer = setInterval(() => {
    if (socket.destroyed) clearInterval(timer);
    else socket.write(next());
  }, everyMs).unref();
};

/** Sends header after header, and never comes to an end of them. */
export const dripHeaders = (everyMs = 10): Reaction => ({
  commits: false,
  run: (socket) => {
    let sent = 0;
    write(socket, 'HTTP/1.1 200 Scripted\r\n');
    drip(socket, everyMs, () => `x-${sent++}: 1\r\n`);
  },
});

/** Sends the headers at once and the body byte by byte. */
export const dripBody = (everyMs = 10, length = 1_000_000): Reaction => ({
  commits: true,
  run: (socket) => {
    write(socket, head(200, { 'content-length': length }));
    drip(socket, everyMs, () => 'x');
  },
});

/** Sends a body without end, as fast as the client reads. `onWritten` gets the number of bytes that were written. */
export const endlessBody = (onWritten: (bytes: number) => void = () => {}): Reaction => ({
  commits: true,
  run: (socket) => {
    write(socket, head(200, { 'transfer-encoding': 'chunked' }));
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const more = (): void => {
      if (socket.destroyed) return;
      socket.write(chunk, (error) => {
        if (error) return;
        onWritten(socket.bytesWritten);
        setImmediate(more);
      });
    };
    more();
  },
});

/** Sends bytes as they are. */
export const raw = (bytes: string, commits = false): Reaction => ({ commits, run: (socket) => write(socket, bytes) });

export interface ScriptedCollectorOptions {
  /** Speaks TLS, with the certificate of `self-signed.ts`. */
  readonly tls?: boolean;
  /** Closes a connection that has been idle for so long after an answer. @default never */
  readonly idleCloseMs?: number;
  /** What it does with each request for which nothing is lined up by `next`. @default answer(200) */
  readonly otherwise?: Reaction | ((request: ReceivedRequest) => Reaction);
  /** What it does with a new connection: `reset` before anything is read. @default accept */
  readonly connect?: (connection: number) => 'accept' | 'reset';
}

/**
 * A collector under a script. What it has seen is there to be read at any time; close it at the end of the test.
 *
 * @example
 * const collector = await startScriptedCollector();
 * collector.next(answer(503), reset({ commits: true }));  // the first two requests; the others get a 200
 * new Emitter(collector.url);
 * await collector.requested(3);
 * collector.taken.get(eid);                               // how often it has taken that event
 */
export class ScriptedCollector {
  readonly requests: ReceivedRequest[] = [];
  /** How often each event id came, committed or not. */
  readonly received = new Map<string, number>();
  /** How often each event id was committed. */
  readonly taken = new Map<string, number>();
  /** Connections so far, and the most that were open at once. */
  connections = 0;
  mostOpen = 0;
  otherwise: Reaction | ((request: ReceivedRequest) => Reaction);
  readonly #options: ScriptedCollectorOptions;
  readonly #server: Server;
  readonly #sockets = new Map<number, Socket>();
  readonly #script: Reaction[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(options: ScriptedCollectorOptions) {
    this.#options = options;
    this.otherwise = options.otherwise ?? answer(200);
    const serve = (socket: Socket): void => this.#serve(socket);
    this.#server = options.tls
      ? createTlsServer({ key: SELF_SIGNED_KEY, cert: SELF_SIGNED_CERTIFICATE }, serve)
      : createServer(serve);
    this.#server.on('tlsClientError', () => {});
  }

  /** `http://127.0.0.1:<port>`, or with https. */
  get url(): string {
    return `${this.#options.tls ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  isOpen(connection: number): boolean {
    return this.#sockets.has(connection);
  }

  async listen(port = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  /** Lines up what is done with the next requests, in order. */
  next(...reactions: readonly Reaction[]): this {
    this.#script.push(...reactions);
    return this;
  }

  /** Resolves when so many requests have come in all; rejects after `timeoutMs`. */
  async requested(count: number, timeoutMs = 60_000): Promise<readonly ReceivedRequest[]> {
    await this.#until(
      () => this.requests.length >= count,
      timeoutMs,
      () => `${this.requests.length} of ${count} requests`,
    );
    return this.requests;
  }

  /** Resolves when so many different events have been committed; rejects after `timeoutMs`. */
  async took(count: number, timeoutMs = 60_000): Promise<ReadonlyMap<string, number>> {
    await this.#until(
      () => this.taken.size >= count,
      timeoutMs,
      () => `${this.taken.size} of ${count} events`,
    );
    return this.taken;
  }

  /** Counts an event as committed; a reaction does it for those that `commits` does not speak of. */
  take(eid: string): void {
    this.taken.set(eid, (this.taken.get(eid) ?? 0) + 1);
    this.#wake();
  }

  /** Ends every connection that is open, in good order or by a reset. */
  disconnect(how: 'end' | 'reset' = 'end'): void {
    for (const socket of this.#sockets.values())
      if (how === 'end') socket.end();
      else socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.values()) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #until(done: () => boolean, timeoutMs: number, progress: () => string): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!done()) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`the collector got ${progress()} within ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, left);
        this.#waiting.add(wake);
      });
    }
  }

  #serve(socket: Socket): void {
    const connection = this.connections++;
    socket.on('error', () => {});
    if (this.#options.connect?.(connection) === 'reset') {
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.set(connection, socket);
    this.mostOpen = Math.max(this.mostOpen, this.open);
    socket.on('close', () => void this.#sockets.delete(connection));
    socket.setNoDelay(true);
    const chunks: Buffer[] = [];
    let indexOnConnection = 0;
    let idle: NodeJS.Timeout | undefined;
    socket.on('data', (chunk: Buffer) => {
      clearTimeout(idle);
      chunks.push(chunk);
      for (let parsed = parse(chunks); parsed; parsed = parse(chunks)) {
        const request = { ...parsed, index: this.requests.length, connection, indexOnConnection: indexOnConnection++ };
        this.#react(socket, request);
        const { idleCloseMs } = this.#options;
        if (idleCloseMs !== undefined) idle = setTimeout(() => socket.end(), idleCloseMs).unref();
      }
    });
  }

  #react(socket: Socket, request: ReceivedRequest): void {
    const { otherwise } = this;
    const reaction = this.#script.shift() ?? (typeof otherwise === 'function' ? otherwise(request) : otherwise);
    this.requests.push(request);
    for (const { eid = '' } of request.events) {
      this.received.set(eid, (this.received.get(eid) ?? 0) + 1);
      if (reaction.commits) this.take(eid);
    }
    void reaction.run(socket, request);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

/** Starts a collector on a free port of the loopback interface. */
export const startScriptedCollector = (options: ScriptedCollectorOptions = {}): Promise<ScriptedCollector> =>
  new ScriptedCollector(options).listen();

// Takes the first complete request off the front of what has come, if there is one.
function parse(chunks: Buffer[]): Omit<ReceivedRequest, 'index' | 'connection' | 'indexOnConnection'> | undefined {
  if (chunks.length > 1) chunks.splice(0, chunks.length, Buffer.concat(chunks));
  const [bytes] = chunks;
  const end = bytes?.indexOf('\r\n\r\n') ?? -1;
  if (!bytes || end < 0) return undefined;
  const headText = bytes.toString('latin1', 0, end);
  const [line = '', ...lines] = headText.split('\r\n');
  const headers: Record<string, string> = {};
  for (const text of lines) {
    const colon = text.indexOf(':');
    const name = text.slice(0, colon).toLowerCase();
    const value = text.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const length = Number(headers['content-length'] ?? 0);
  if (bytes.length < end + 4 + length) return undefined;
  const body = bytes.subarray(end + 4, end + 4 + length);
  const rest = bytes.subarray(end + 4 + length);
  chunks.splice(0, chunks.length, ...(rest.length > 0 ? [rest] : []));
  const [method = '', target = ''] = line.split(' ');
  return { method, target, headers, head: headText, body, events: eventsOf(method, target, body) };
}

function eventsOf(method: string, target: string, body: Buffer): Record<string, string>[] {
  const { pathname, searchParams } = new URL(target, 'http://collector.test');
  if (method === 'GET') return pathname.endsWith('/i') ? [Object.fromEntries(searchParams)] : [];
  if (!pathname.endsWith('/tp2')) return [];
  return (JSON.parse(body.toString()) as { data: Record<string, string>[] }).data;
}
