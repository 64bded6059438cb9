// The official Node tracker as its docs use it: one tracker, and the visitor's fields set on it before each event.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { buildPageView, newTracker } from '@snowplow/node-tracker';
import { PAGE_SCHEMA, sample } from '../sample.mjs';

export function open({ url, base64 = true, context = true, sameVisitor = false }) {
  let tracked = 0;
  let acknowledged = 0;
  const { protocol, hostname, port } = new URL(url ?? 'http://127.0.0.1:9');
  const tracker = newTracker(
    { namespace: 'bench', appId: 'shop', encodeBase64: base64 },
    {
      endpoint: hostname,
      port: Number(port),
      protocol: protocol.slice(0, -1),
      ...(!url && { customFetch: async () => new Response('1') }),
      onRequestSuccess: (events) => {
        acknowledged += events.length;
      },
    },
  );
  const identify = ({ ip, userAgent, domainUserId, userId }) => {
    tracker.setIpAddress(ip);
    tracker.setUseragent(userAgent);
    tracker.setDomainUserId(domainUserId);
    tracker.setUserId(userId);
  };
  if (sameVisitor) identify(sample(0));
  return {
    track(i) {
      tracked++;
      const event = sample(i);
      if (!sameVisitor) identify(event);
      const { pageUrl, pageTitle, referrer } = event;
      tracker.track(
        buildPageView({ pageUrl, pageTitle, referrer }),
        context ? [{ schema: PAGE_SCHEMA, data: event.data }] : undefined,
      );
    },
    acknowledged: () => acknowledged,
    // Its flush resolves at once while another is under way, so it is asked until all is acknowledged.
    async settle() {
      while (acknowledged < tracked) {
        await tracker.flush();
        await nextTurn();
      }
    },
  };
}
