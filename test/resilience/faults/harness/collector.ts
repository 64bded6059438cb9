// A collector by script: a raw socket server that does to each request what a scenario asks, and counts what it took.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { type Message, readMessages } from './http-messages';

/** What to do with one request; what is left out is that of an ordinary answer with 200. */
export interface Turn {
  /** Whether the events count as arrived. Default: when the answer is a 2xx. */
  readonly take?: boolean;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * `reset` and `hang` give no answer; `unreadable` gives one that no client can parse; the drips give one a byte at a time,
   * `flood` gives one without end.
   */
  readonly reply?: 'answer' | 'reset' | 'hang' | 'unreadable' | 'drip-headers' | 'drip-body' | 'flood';
  readonly delayMs?: number;
  /** Whether the connection is closed behind the answer. */
  readonly close?: boolean;
}

/** One request as it came. */
export interface Seen extends Message {
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
  /** Events by id, with all their fields. */
  readonly events: readonly Readonly<Record<string, string>>[];
  /** Which connection, counted from 0. */
  readonly connection: number;
}

export type Script = (request: Seen, index: number) => Turn;

export interface CollectorSettings {
  readonly host?: string;
  readonly port?: number;
  /** Closes a connection that has been idle so long. */
  readonly idleMs?: number;
  readonly tls?: TlsOptions;
}

export class ScriptedCollector {
  readonly requests: Seen[] = [];
  /** How often each event arrived. */
  readonly received = new Map<string, number>();
  /** Connections that were opened. */
  connections = 0;
  /** Bytes that floods and drips could write before they were cut off. */
  written = 0;
  /** Requests that have come and are not answered. */
  open = 0;
  mostOpen = 0;
  script: Script;
  readonly #settings: CollectorSettings;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  constructor(script: Script = () => ({}), settings: CollectorSettings = {}) {
    this.script = script;
    this.#settings = settings;
    this.#port = settings.port ?? 0;
  }

  get url(): string {
    return `${this.#settings.tls ? 'https' : 'http'}://${this.#settings.host ?? '127.0.0.1'}:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** Events that arrived at least once. */
  get count(): number {
    return this.received.size;
  }

  /** Arrivals beyond the first of each event. */
  get duplicates(): number {
    let arrivals = 0;
    for (const times of this.received.values()) arrivals += times;
    return arrivals - this.received.size;
  }

  /** Listens, on the same port as before if it has been up. */
  async up(): Promise<this> {
    const { tls, host = '127.0.0.1' } = this.#settings;
    const server = tls
      ? createTlsServer(tls, (socket) => this.#serve(socket))
      : createServer((socket) => this.#serve(socket));
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.#port, host, resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  /** Ends every connection and refuses new ones. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  #serve(socket: Socket): void {
    const connection = this.connections++;
    this.#sockets.add(socket);
    const idle = (): void => void (this.#settings.idleMs !== undefined && socket.setTimeout(this.#settings.idleMs));
    socket.on('error', () => {});
    socket.on('timeout', () => socket.destroy());
    let unanswered = 0;
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.open -= unanswered;
    });
    socket.setNoDelay(true);
    readMessages(socket, (message) => {
      socket.setTimeout(0);
      const seen: Seen = { ...message, at: performance.now(), events: eventsOf(message), connection };
      this.requests.push(seen);
      const turn = this.script(seen, this.requests.length - 1);
      if (turn.take ?? isTaken(turn))
        for (const { eid = 'no eid' } of seen.events) this.received.set(eid, (this.received.get(eid) ?? 0) + 1);
      this.mostOpen = Math.max(this.mostOpen, ++this.open);
      if (turn.reply === 'hang' || turn.reply === 'drip-headers') unanswered++;
      if (turn.delayMs) setTimeout(() => this.#reply(socket, turn, idle), turn.delayMs);
      else this.#reply(socket, turn, idle);
    });
  }

  #reply(
    socket: Socket,
    { reply = 'answer', status = 200, headers = {}, close = false }: Turn,
    idle: () => void,
  ): void {
    if (reply === 'hang') return;
    if (reply !== 'drip-headers') this.open--;
    if (reply === 'reset') {
      socket.resetAndDestroy();
      return;
    }
    if (reply === 'unreadable') {
      socket.write('SSH-2.0-OpenSSH_9.2\r\n\r\n');
      return;
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `HTTP/1.1 ${status} Scripted\r\n${lines.join('')}`;
    if (reply === 'answer') {
      socket.write(`${head}content-length: 2\r\n${close ? 'connection: close\r\n' : ''}\r\nok`);
      if (close) socket.end();
      else idle();
      return;
    }
    if (reply === 'drip-headers') return this.#drip(socket, head, 100);
    socket.write(`${head}content-length: 1073741824\r\n\r\n`);
    if (reply === 'drip-body') this.#drip(socket, 'x'.repeat(10_000), 100);
    else this.#flood(socket);
  }

  #drip(socket: Socket, text: string, everyMs: number): void {
    let at = 0;
    const timer = setInterval(() => {
      if (socket.destroyed || at >= text.length) clearInterval(timer);
      else socket.write(text[at++] as string);
    }, everyMs);
    socket.once('close', () => clearInterval(timer));
  }

  #flood(socket: Socket): void {
    const chunk = Buffer.alloc(65_536, 'x');
    const more = (): void => {
      if (socket.destroyed) return;
      this.written += chunk.length;
      if (socket.write(chunk)) setImmediate(more);
      else socket.once('drain', more);
    };
    more();
  }
}

const isTaken = ({ reply = 'answer', status = 200 }: Turn): boolean =>
  !NOT_TAKEN.has(reply) && status >= 200 && status < 300;

const NOT_TAKEN: ReadonlySet<string> = new Set(['reset', 'hang', 'unreadable', 'drip-headers']);

function eventsOf({ method, target, body }: Message): Seen['events'] {
  if (method === 'POST') return (JSON.parse(body) as { data: Record<string, string>[] }).data;
  return [Object.fromEntries(new URL(target, 'http://collector').searchParams)];
}
