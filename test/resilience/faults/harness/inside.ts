// What a scenario's orders find in the process of the app: the types of host.mjs.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type * as Main from '../../../../src';
import type { MiddlewareOptions } from '../../../../src/middleware/options';
import type { Framework } from './app';

export interface Offered {
  readonly accepted: number;
  readonly refused: number;
}

/** How long the event loop was held, in milliseconds. */
export interface LoopFigures {
  /** Processor time of the turn that took most of it, without what the scenario did aside and without the collector's pauses. */
  readonly longestTurnMs: number;
  /** The same with those pauses. */
  readonly withCollectionMs: number;
  readonly longestCollectionMs: number;
}

export interface LoopWatch {
  /** Runs what is not the package's. */
  aside<T>(work: () => T): T;
  stop(): Promise<LoopFigures>;
}

/** One request, as the handlers of every framework are given it. */
export interface Call {
  readonly tracker: Main.RequestTracker;
  readonly query: URLSearchParams;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Node's response, for a handler that answers without its framework. */
  raw(): ServerResponse;
  send(body: string, type?: string, status?: number): void;
}

/** What it returns is settled when it has sent, or has asked for the raw response. */
export type Handler = (call: Call) => unknown;

/** An app to be made, on any framework. */
export interface AppPlan {
  /** Options of the middleware; none for an app without. */
  readonly middleware?: object | undefined;
  readonly routes: ReadonlyMap<string, Handler>;
  readonly onError?: ((error: Error, call: Call) => unknown) | undefined;
  /** Nest's shutdown hooks. */
  readonly hooks?: boolean;
}

export interface Inside {
  require(name: string): any; // oxlint-disable-line typescript/no-explicit-any -- whatever a scenario loads in its app
  /** Writes a line into the journal. */
  note(...line: unknown[]): void;
  readonly snowplow: typeof Main;
  /** Options of the middleware, to which `setup` may add. */
  readonly options: MiddlewareOptions<any, any>; // oxlint-disable-line typescript/no-explicit-any -- hooks get the framework's own
  /** Declares what the app answers to a path: for `setup`. */
  route(path: string, handle: Handler): void;
  onError: AppPlan['onError'];
  /** Makes another app, which does not listen yet. */
  makeApp(framework: Framework, plan: AppPlan): Promise<{ server: Server; close(): Promise<unknown> }>;
  readonly server: Server;
  /** The framework's own way to close the app. */
  close(): Promise<unknown>;
  readonly tracker: Main.Tracker;
  /** Notes events as dropped: for emitters that a scenario makes itself. */
  onDrop(info: Main.DropInfo): void;
  track(count: number, label?: string, tracker?: Main.Tracking): Offered;
  /** @param loop Is told that the tracking is the scenario's doing. */
  stream(count: number, perSecond: number, label?: string, loop?: LoopWatch): Promise<Offered>;
  block(ms: number): void;
  memory(): { rss: number; heapUsed: number };
  /** Watches what holds the event loop. */
  watchLoop(): LoopWatch;
}

/** Runs inside the app's process: may use nothing but its arguments. */
export type Order<Args, Answer> = (inside: Inside, args: Args) => Answer | Promise<Answer>;
