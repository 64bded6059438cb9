// Events and distributed traces: with the hook from the documents, each event names the span in which it was tracked.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import express from 'express';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Collector, startCollector } from 'snowplow-middleware/collector';
import { snowplow } from 'snowplow-middleware/express';
import { goTo } from '../../support/go-to';

const TRACE_CONTEXT = 'iglu:io.github.snowplow_middleware/trace_context/jsonschema/1-0-0';

let collector: Collector;
let server: Server;
let url: string;
const provider = new NodeTracerProvider();

/** The ids of the spans in which the app answered, by the order of the requests. */
const spans: Record<string, { traceId: string; spanId: string }> = {};

beforeEach(async () => {
  provider.register();
  collector = await startCollector({ iglu: [join(__dirname, '../../../schemas')] });
  const tracer = trace.getTracer('shop');
  const app = express();
  app.use((req, _res, next) => (req.query['n'] ? tracer.startActiveSpan('request', () => next()) : next()));
  app.use(
    snowplow({
      endpoint: collector.url,
      namespace: 'web',
      pageViews: true,
      entities: () => {
        const span = trace.getActiveSpan()?.spanContext();
        return span ? [{ schema: TRACE_CONTEXT, data: { traceId: span.traceId, spanId: span.spanId } }] : [];
      },
    }),
  );
  app.get('/', (req, res) => {
    const answer = (): void => {
      req.tracker.trackStructEvent({ category: 'shop', action: 'enter', label: String(req.query['n'] ?? 'untraced') });
      setImmediate(() => res.send('<h1>Home</h1>'));
    };
    if (!req.query['n']) return answer();
    tracer.startActiveSpan('handler', (span) => {
      const { traceId, spanId } = span.spanContext();
      spans[req.query['n'] as string] = { traceId, spanId };
      answer();
    });
  });
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await collector.close();
  await provider.shutdown();
  trace.disable();
});

it('requests that run at the same time each have their own trace on their events', async () => {
  await Promise.all(['1', '2', '3'].map((n) => fetch(`${url}/?n=${n}`)));
  server.close();
  const events = await collector.waitFor({ event: 'struct' }, 3);
  collector.assertAllGood();
  for (const { payload, contexts } of events)
    expect(contexts).toEqual([{ schema: TRACE_CONTEXT, data: spans[payload['se_la'] as string] }]);
  expect(new Set(Object.values(spans).map(({ traceId }) => traceId)).size).toBe(3);
});

it('an automatic page view, tracked when all is over, is in the trace of its request', async () => {
  await Promise.all(['1', '2', '3'].map((n) => goTo(`${url}/?n=${n}`)));
  server.close();
  const views = await collector.waitFor({ event: 'page_view' }, 3);
  for (const { payload, contexts } of views) {
    const n = new URL(payload['url'] as string).searchParams.get('n') as string;
    expect(contexts).toMatchObject([{ data: { traceId: spans[n]?.traceId } }]);
  }
});

it('an event outside of every span has no such entity, and is as good', async () => {
  await fetch(`${url}/`);
  server.close();
  const [event] = await collector.waitFor({ event: 'struct', se_label: 'untraced' });
  expect(event?.contexts).toEqual([]);
  collector.assertAllGood();
});
