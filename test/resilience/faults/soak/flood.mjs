// The two programs of flood.soak.ts, under orders over IPC: node flood.mjs collector, and node flood.mjs sender <endpoint>.
import { createRequire } from 'node:module';

const [role, endpoint] = process.argv.slice(2);
const require = createRequire(import.meta.url);

// Says where it is, and how much memory it holds when asked.
async function collect() {
  const loaded = performance.now();
  const { startCollector } = require('snowplow-middleware/collector');
  const { url } = await startCollector();
  process.send({ url, startMs: Math.round(performance.now() - loaded) });
  process.on('message', () => {
    globalThis.gc();
    const { rss, heapUsed } = process.memoryUsage();
    process.send({ rss, heapUsed });
  });
}

const HOSTILE = ['<img src=x onerror=alert(1)>', '\u202Eevil\u202C', '__proto__', '\u0000\u0007', 'x'.repeat(900)];

// A tracker that never rests, and a hand-written one beside it that makes mistakes; says how much both sent when told to stop.
async function send() {
  const { createTracker } = require('snowplow-middleware');
  const tracker = createTracker({ endpoint, namespace: 'flood', appId: 'soak', logger: false });
  const post = async (events) => {
    const schema = 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4';
    const response = await fetch(`${endpoint}/com.snowplowanalytics.snowplow/tp2`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ schema, data: events }),
    });
    await response.text();
  };
  const plain = { e: 'se', p: 'srv', tv: 'hand', tna: 'hand', aid: 'mistakes', se_ca: 'soak', se_ac: 'mistake' };
  let stopped = false;
  let [rounds, bad] = [0, 0];
  process.once('message', () => (stopped = true));
  while (!stopped) {
    const odd = HOSTILE[rounds++ % HOSTILE.length];
    for (let n = 0; n < 200; n++)
      tracker
        .trackPageView({ pageUrl: `https://shop.example/${rounds}/${n}`, pageTitle: odd })
        .trackStructEvent({ category: 'soak', action: odd, label: String(n), value: n })
        .trackSelfDescribingEvent({
          event: { schema: 'iglu:com.acme/basket/jsonschema/1-0-0', data: { round: rounds, n, [odd]: odd } },
          context: [{ schema: 'iglu:com.acme/user/jsonschema/1-0-0', data: { plan: odd } }],
        });
    await tracker.flush();
    // Two that are bad by themselves, and two requests that are lost as a whole.
    await post([{ ...plain, vid: '1.5' }, { ...plain, cx: odd }, plain]);
    await post([{ ...plain, [odd]: odd }]);
    await post([plain, { ...plain, vid: rounds }]);
    bad += 4;
  }
  const [{ sent }] = tracker.stats().emitters;
  await tracker.close();
  // One of the hand-written ones is good.
  process.send({ good: sent + rounds, bad });
}

await (role === 'collector' ? collect() : send());
