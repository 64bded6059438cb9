// The official Node tracker in a request as its docs have it: one tracker, the visitor's fields set on it, then the event.
import { buildPageView, newTracker } from '@snowplow/node-tracker';
import { PAGE_SCHEMA, product } from '../sample.mjs';
import { domainUserId } from './id-cookie.mjs';

export function officialTracker(collector) {
  const { hostname, port } = new URL(collector);
  return newTracker(
    { namespace: 'bench', appId: 'shop' },
    { endpoint: hostname, port: Number(port), protocol: 'http' },
  );
}

/** Tracks a page view of a request whose fields the framework's adapter has read. */
export function trackPage(tracker, { ip, url, headers }) {
  tracker.setIpAddress(ip);
  tracker.setUseragent(headers['user-agent']);
  tracker.setLang(headers['accept-language']?.split(',', 1)[0]);
  tracker.setDomainUserId(domainUserId(headers.cookie));
  tracker.track(buildPageView({ pageUrl: url, pageTitle: 'Tea', referrer: headers.referer }), [
    { schema: PAGE_SCHEMA, data: product(7) },
  ]);
}
