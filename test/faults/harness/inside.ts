// What a scenario's orders find in the process of the app: the types of host.mjs.
import type { IntervalHistogram } from 'node:perf_hooks';
import type { Server } from 'node:http';
import type { Express } from 'express';
import type * as Main from '../../../src';
import type { ExpressOptions, snowplow } from '../../../src/express';

export interface Offered {
  readonly accepted: number;
  readonly refused: number;
}

export interface Inside {
  require(name: string): any; // oxlint-disable-line typescript/no-explicit-any -- whatever a scenario loads in its app
  /** Writes a line into the journal. */
  note(...line: unknown[]): void;
  readonly snowplow: typeof Main;
  readonly middleware: typeof snowplow;
  readonly options: ExpressOptions;
  readonly app: Express;
  readonly server: Server;
  readonly tracker: Main.Tracker;
  /** Notes events as dropped: for emitters that a scenario makes itself. */
  onDrop(events: Main.Payload[], reason: string): void;
  track(count: number, label?: string, tracker?: Main.Tracking): Offered;
  stream(count: number, perSecond: number, label?: string): Promise<Offered>;
  block(ms: number): void;
  memory(): { rss: number; heapUsed: number };
  readonly loop: IntervalHistogram;
}

/** Runs inside the app's process: may use nothing but its arguments. */
export type Order<Args, Answer> = (inside: Inside, args: Args) => Answer | Promise<Answer>;
