// The sender alone: batches of events serialised beforehand, eight requests at a time, by undici itself or by our transport.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Pool } from 'undici';
import { Log } from '../../dist/core/logger.js';
import { encodedEvent } from '../../dist/core/tracker/encode.js';
import { CollectorTransport, postBody } from '../../dist/delivery/http/collector-transport.js';
import { encodedSample } from '../encoded-sample.mjs';

const CONNECTIONS = 8;
const { how, url, size, warmUpMs, durationMs } = JSON.parse(process.argv[2]);
const events = Array.from({ length: size }, (_, i) => encodedSample(i));

// The same events as one text, so that the transport has nothing to join.
const text = events.map(({ json }) => json).join(',');
const joined = [encodedEvent(text, events[0].eventId, false)];

const SENDERS = {
  raw: () => raw(Buffer.from(postBody(events, Date.now()))),
  // What no sender of events can do without: `stm` belongs to the attempt.
  'raw, joining': () => raw(() => postBody(events, Date.now())),
  ours: () => ours(joined),
  'ours, joining': () => ours(events),
};

function raw(body) {
  const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1 });
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  const path = '/com.snowplowanalytics.snowplow/tp2';
  return () =>
    new Promise((resolve, reject) => {
      pool.dispatch(
        { path, method: 'POST', headers, body: typeof body === 'function' ? body() : body },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData() {},
          onResponseEnd: () => resolve(),
          onResponseError: (_controller, error) => reject(error),
        },
      );
    });
}

function ours(batch) {
  const transport = new CollectorTransport(
    {
      url: new URL(url),
      method: 'post',
      connections: CONNECTIONS,
      maxPostBytes: Infinity,
      maxGetBytes: Infinity,
      requestTimeoutMs: 10_000,
      customRetryCodes: {},
      headers: {},
      dispatcher: undefined,
    },
    new Log(false),
  );
  return async () => {
    const result = await transport.send(batch);
    if (result.status !== 'sent') throw result.error;
  };
}

const send = SENDERS[how]();
let sent = 0;

async function drive(ms) {
  const end = performance.now() + ms;
  const lane = async () => {
    while (performance.now() < end) {
      await send();
      sent += events.length;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
}

await drive(warmUpMs);
await nextTurn();
sent = 0;
const start = performance.now();
const cpuBefore = process.cpuUsage();
await drive(durationMs);
const { user, system } = process.cpuUsage(cpuBefore);
process.send({
  eventsPerSecond: (sent * 1000) / (performance.now() - start),
  cpuPerMillion: (user + system) / sent,
});
