// One tracker or another, under orders from peers.soak.ts: node peer.mjs <name> <setting> <endpoint> <what to do>.
import { createRequire } from 'node:module';

const [name, setting, endpoint, what] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const large = setting === 'large';
let failures = 0;
const failed = (count = 1) => void (failures += count);

const peers = {
  'snowplow-middleware'() {
    const { createTracker } = require('snowplow-middleware');
    const bufferCapacity = large ? 200_000 : undefined;
    const bufferCapacityBytes = large ? 256 * 1024 * 1024 : undefined;
    const onDrop = ({ events }) => failed(events.length);
    const tracker = createTracker({
      endpoint,
      logger: false,
      emitter: { onDrop, bufferCapacity, bufferCapacityBytes },
    });
    return {
      track: (label) => tracker.trackStructEvent({ category: 'peers', action: 'track', label }),
      close: () => tracker.close(),
    };
  },
  '@snowplow/node-tracker'() {
    const { newTracker, buildStructEvent } = require('@snowplow/node-tracker');
    const { newInMemoryEventStore } = require('@snowplow/tracker-core');
    const eventStore = newInMemoryEventStore({ maxSize: large ? 200_000 : 1_000 });
    const onRequestFailure = ({ willRetry, events }) => willRetry || failed(events.length);
    const tracker = newTracker(
      { namespace: 'peers', appId: 'peers', encodeBase64: false },
      { endpoint, eventStore, onRequestFailure },
    );
    return {
      track: (label) => tracker.track(buildStructEvent({ category: 'peers', action: 'track', label })),
      close: () => tracker.flush(),
    };
  },
  '@segment/analytics-node'() {
    const { Analytics } = require('@segment/analytics-node');
    const analytics = new Analytics({ writeKey: 'key', host: endpoint, maxRetries: large ? 10 : 3 });
    analytics.on('error', () => failed());
    return {
      track: (label) => analytics.track({ event: 'track', userId: 'a', properties: { label } }),
      close: () => analytics.closeAndFlush(),
    };
  },
  'posthog-node'() {
    const { PostHog } = require('posthog-node');
    const client = new PostHog('key', { host: endpoint, ...(large ? { maxQueueSize: 200_000 } : {}) });
    client.on('error', () => failed());
    return {
      track: (label) => client.capture({ distinctId: 'a', event: 'track', properties: { label } }),
      close: () => client.shutdown(),
    };
  },
};

const peer = peers[name]();
let next = 0;
const track = (count) => {
  for (let index = 0; index < count; index++) peer.track(`peer-${next++}-`);
};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (figures) => process.send?.({ ...figures, failures });

const deeds = {
  // The last events of a script that simply ends.
  ends: () => track(3),
  async redirected() {
    track(100);
    await pause(5_000);
    await peer.close();
    await pause(200);
    say({});
  },
  async overloaded() {
    for (let tick = 0; tick < 35; tick++) {
      track(10);
      await pause(100);
    }
    say({});
    process.exit();
  },
  async burst() {
    for (let done = 0; done < 100_000; done += 100) {
      track(100);
      await pause(0);
    }
    await peer.close();
    // It may go on for as long as it likes.
    process.on('exit', () => say({}));
  },
  async hung() {
    track(20);
    await pause(500);
    const started = performance.now();
    await peer.close();
    const closedMs = Math.round(performance.now() - started);
    process.on('exit', () => say({ closedMs }));
  },
};
await deeds[what]();
