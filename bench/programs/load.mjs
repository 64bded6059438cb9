// The load on an application: autocannon, 20 connections, with the headers of a browser that the site's tracker knows.
import autocannon from 'autocannon';
import { HEADERS } from '../sample.mjs';

// `amount`: how many requests (to warm up), else `duration`: how many seconds. Its clock is too coarse to time an amount.
const { url, ...extent } = JSON.parse(process.argv[2]);
// Never asleep: on a machine of its own it would not have to be woken either, which here the answering application pays for.
const stayAwake = () => setImmediate(stayAwake);
stayAwake();
const result = await autocannon({ url, connections: 20, ...extent, headers: HEADERS });
if (result.errors > 0 || result.non2xx > 0)
  throw new Error(`${result.errors} errors, ${result.non2xx} not answered 200`);
process.send({
  requests: result.requests.total,
  requestsPerSecond: result.requests.total / result.duration,
  p50: result.latency.p50,
  p99: result.latency.p99,
});
