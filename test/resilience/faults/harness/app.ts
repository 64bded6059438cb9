// An app in a process of its own, as its parent sees it: orders go in, answers come out, and its end is watched.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Order } from './inside';
import { until, within } from './wait';

export const FRAMEWORKS = ['express', 'express4', 'koa', 'fastify', 'nest', 'nest on fastify'] as const;
export type Framework = (typeof FRAMEWORKS)[number];

export interface AppSettings {
  /** None for a process without a server. */
  readonly framework?: Framework;
  /** Over HTTP/2; Koa, Fastify and Nest on Fastify only. */
  readonly http2?: boolean;
  /** Nest's shutdown hooks. */
  readonly hooks?: boolean;
  /** Options of `createTracker`, without callbacks. */
  readonly tracker?: object;
  /** Options of the middleware; those of `createTracker` too, where there is no `tracker`. */
  readonly middleware?: object;
  /** Without the middleware. */
  readonly unmounted?: boolean;
  /** Runs in the app before it listens. */
  readonly setup?: Order<never, unknown>;
  readonly args?: unknown;
  /** Every fifth event is anonymous. */
  readonly mixed?: boolean;
  /** Whether it takes orders; without, nothing of the harness keeps it alive. Default true. */
  readonly attached?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class App {
  readonly exited: Promise<Exit>;
  readonly child: ChildProcess;
  /** All that it wrote to the console. */
  output = '';
  port = 0;
  exit: Exit | undefined;
  readonly #answers = new Map<number, (message: Message) => void>();
  #orders = 0;

  constructor(root: string, journal: string, { setup, attached = true, env, ...settings }: AppSettings) {
    const config = { ...settings, attached, journal, setup: setup?.toString() };
    this.child = spawn(process.execPath, ['--expose-gc', join(root, 'host.mjs')], {
      stdio: attached ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env, FAULTS_HOST: JSON.stringify(config) },
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    this.child.on('message', (message: Message) => this.#answers.get(message.order)?.(message));
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.exit = { code, signal };
        for (const answer of this.#answers.values())
          answer({
            order: 0,
            failure: `the app is gone (${code ?? signal}): ${this.output.replaceAll(/Write error[^\n]*/g, '').slice(-2_000)}`,
          });
        resolve(this.exit);
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when it is ready for orders and listens, where it has a server. */
  async ready(): Promise<this> {
    const { port } = await within(`the app is ready: ${this.output}`, this.#answer<{ port?: number }>(0));
    this.port = port ?? 0;
    return this;
  }

  /** Runs `order` in the app. */
  async run<Args, Answer>(order: Order<Args, Answer>, args?: Args, ms = 60_000): Promise<Answer> {
    const number = ++this.#orders;
    const answer = this.#answer<Answer>(number);
    this.child.send({ order: number, code: order.toString(), args });
    return within(`an answer to ${order.toString().slice(0, 200)}`, answer, ms);
  }

  /** Sends a signal to this very process. */
  signal(signal: NodeJS.Signals): void {
    if (!this.child.kill(signal) && !this.exit) throw new Error(`${signal} did not reach the app`);
  }

  /** Waits for its end; answers how it ended. */
  end(ms = 30_000): Promise<Exit> {
    return within(`the app ends: ${this.output}`, this.exited, ms);
  }

  /** Kills it if it lives. */
  async discard(): Promise<void> {
    if (this.exit) return;
    this.child.kill('SIGKILL');
    await until('the app is gone', () => this.exit !== undefined);
  }

  #answer<T>(order: number): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.exit) reject(new Error(`the app is gone: ${this.output}`));
      this.#answers.set(order, ({ answer, failure }) => {
        this.#answers.delete(order);
        if (failure === undefined) resolve(answer as T);
        else reject(new Error(failure));
      });
    });
  }
}

interface Message {
  readonly order: number;
  readonly answer?: unknown;
  readonly failure?: string;
}
