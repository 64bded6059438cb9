// startCollector: assembles the collector, and returns the handle that tests use.
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { explainAllBad } from './expect/explain';
import type { EventFilter } from './expect/match';
import { waitForEvents } from './expect/wait';
import { guarded } from './http/access';
import { collecting } from './http/collect';
import { type Fault, Faults } from './http/faults';
import { closeServer, type Handler, listen, makeServer } from './http/server';
import type { CollectedEvent, CollectedRequest } from './log/event';
import { EventLog } from './log/event-log';
import { microApi } from './micro/micro-api';
import { type CollectorOptions, refuseProduction, resolveCollectorOptions } from './options';
import { livePage } from './page/live-page';
import { schemaSource } from './schemas/iglu';
import { schemaCheck } from './schemas/schema-check';
import { judging } from './validate/verdict';

/** A running collector. */
export interface Collector {
  /** The endpoint for trackers: `http://127.0.0.1:54321`. The live page is there too. */
  readonly url: string;
  /** The good events it holds, newest last. It holds the newest events, good and bad, at most 1,000 and 16 MiB. */
  good(): CollectedEvent[];
  /** The bad events it holds, newest last, each with its errors. A request lost as a whole counts as one. */
  bad(): CollectedEvent[];
  /** The newest 1,000 tracker requests, newest last, including those that were answered with a failure. */
  requests(): CollectedRequest[];
  /** Clears events and requests, and cancels {@link fail} and {@link delay}. */
  reset(): void;
  /**
   * Resolves to the good events that match, as soon as there are `count` of them, including earlier ones.
   *
   * @param count How many. Default 1.
   * @param timeoutMs How long to wait. Default 5,000.
   * @throws Error that shows the nearest event and the last bad one, if the time is up or the collector closes.
   * @example
   * const [view] = await collector.waitFor({ event: 'page_view', page_url: /catalogue$/ });
   */
  waitFor(filter: EventFilter, count?: number, timeoutMs?: number): Promise<CollectedEvent[]>;
  /** Checks that no event is bad. @throws Error that lists every bad event with what is wrong and how to fix it. */
  assertAllGood(): void;
  /** Makes the next requests fail: a status, or a {@link Fault}. */
  fail(fault?: number | Fault): void;
  /** Answers every request that many milliseconds late, until {@link reset}; the events are accepted at once. */
  delay(ms: number): void;
  /** Stops listening and ends every connection, within about a quarter of a second. May be called again. */
  close(): Promise<void>;
}

/**
 * Starts a collector for development and tests. It receives what a tracker sends, judges every event as the pipeline would, and shows
 * it on a live page. It keeps everything in memory, within bounds.
 *
 * @throws ConfigError on a wrong option, or with NODE_ENV=production.
 * @throws Error if the port is taken.
 * @example
 * const collector = await startCollector();
 * app.use(snowplow({ endpoint: collector.url, namespace: 'test' }));
 * await fetch(`${appUrl}/catalogue`);
 * await collector.waitFor({ event: 'page_view' });
 * collector.assertAllGood();
 * await collector.close();
 */
export async function startCollector(options: CollectorOptions = {}): Promise<Collector> {
  refuseProduction();
  return openCollector(options);
}

/** Does the work of {@link startCollector}, in any environment. @param added Called for every event. */
export async function openCollector(
  options: CollectorOptions,
  added?: (event: CollectedEvent) => void,
): Promise<Collector> {
  const { port, host, iglu, page } = resolveCollectorOptions(options);
  const schemas = iglu.length > 0 ? schemaSource(iglu) : undefined;
  const judge = judging(schemas && schemaCheck(schemas));
  const log = new EventLog();
  if (added) log.subscribe(added);
  const faults = new Faults();
  const closing = new AbortController();
  // Every waiting test, late answer and open page adds a listener, and removes it again: this is not a leak.
  setMaxListeners(0, closing.signal);
  const pause = async (ms: number): Promise<void> => {
    if (ms > 0) await sleep(ms, undefined, { signal: closing.signal }).catch(() => {});
  };
  const micro = microApi(log, schemas);
  const inside = (path: string): Handler | undefined => {
    const handler = /^\/micro(\/|$)/.test(path) ? micro : page ? livePage(path, log, closing.signal) : undefined;
    return handler && guarded(host, handler);
  };
  const server = makeServer(collecting({ log, faults, judge, pause }), inside);
  const url = await listen(server, port, host);
  let closed: Promise<void> | undefined;
  return {
    url,
    good: () => log.good,
    bad: () => log.bad,
    requests: () => log.requests,
    reset() {
      log.clear();
      faults.clear();
    },
    waitFor: (filter, count = 1, timeoutMs = 5_000) => waitForEvents(log, filter, count, timeoutMs, closing.signal),
    assertAllGood() {
      const { bad } = log;
      if (bad.length > 0) throw new Error(explainAllBad(bad));
    },
    fail: (fault = {}) => faults.plan(typeof fault === 'number' ? { status: fault } : fault),
    delay: (ms) => faults.delay(ms),
    close() {
      closing.abort();
      return (closed ??= closeServer(server));
    },
  };
}
