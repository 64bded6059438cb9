// Requests at a steady rate over 20 connections; each one's time counts from when it was due, so that a late one is not hidden.
import { Pool } from 'undici';
import { HEADERS } from '../sample.mjs';

const { url, perSecond, durationMs } = JSON.parse(process.argv[2]);
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: 20, pipelining: 1 });
const times = [];
let failed = 0;

async function request(dueAt) {
  try {
    const { statusCode, body } = await pool.request({ path: pathname, method: 'GET', headers: HEADERS });
    await body.dump();
    if (statusCode !== 200) failed++;
    times.push(performance.now() - dueAt);
  } catch {
    failed++;
  }
}

const startedAt = performance.now();
const under = [];
await new Promise((resolve) => {
  let sent = 0;
  // Never asleep: a timer would be late by up to a millisecond.
  const turn = () => {
    const elapsed = performance.now() - startedAt;
    for (; sent < (Math.min(elapsed, durationMs) / 1000) * perSecond; sent++)
      under.push(request(startedAt + (sent * 1000) / perSecond));
    if (elapsed < durationMs) setImmediate(turn);
    else resolve();
  };
  turn();
});
await Promise.all(under);
if (failed > 0) throw new Error(`${failed} requests were not answered 200`);
const sorted = Float64Array.from(times).sort();
const percentile = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
process.send({ perSecond, p50: percentile(0.5), p99: percentile(0.99) });
