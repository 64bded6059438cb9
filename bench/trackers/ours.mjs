// This package, with its default settings: a request's own tracker and subject for each event.
import { Pool } from 'undici';
import { createTracker, Subject } from '../../dist/index.js';
import { PAGE_SCHEMA, sample } from '../sample.mjs';

// undici's pools answer every request at once. Not a `dispatcher` of the user's: those are treated with more caution than
// the default that is measured here.
function answerAtOnce() {
  Pool.prototype.dispatch = (_options, handler) => {
    const controller = { abort() {}, pause() {}, resume() {}, aborted: false, paused: false, reason: null };
    queueMicrotask(() => {
      handler.onRequestStart?.(controller, {});
      handler.onResponseStart?.(controller, 200, {}, 'OK');
      handler.onResponseEnd?.(controller, {});
    });
    return true;
  };
}

/**
 * @param options `url`: the collector, without it the transport answers at once; `base64`, `context`: what is sent;
 *   `sameVisitor`: one subject for all events.
 */
export function open({ url, base64 = true, context = true, sameVisitor = false, emitter = {} }) {
  if (!url) answerAtOnce();
  const tracker = createTracker({
    endpoint: url ?? 'http://127.0.0.1:9',
    namespace: 'bench',
    appId: 'shop',
    encodeBase64: base64,
    emitter,
  });
  const forVisitor = ({ ip, userAgent, domainUserId, userId }) =>
    tracker.withSubject(
      new Subject().setIpAddress(ip).setUseragent(userAgent).setDomainUserId(domainUserId).setUserId(userId),
    );
  const kept = sameVisitor ? forVisitor(sample(0)) : undefined;
  return {
    tracker,
    track(i) {
      const event = sample(i);
      const { pageUrl, pageTitle, referrer } = event;
      (kept ?? forVisitor(event)).trackPageView({
        pageUrl,
        pageTitle,
        referrer,
        ...(context && { context: [{ schema: PAGE_SCHEMA, data: event.data }] }),
      });
    },
    acknowledged: () => tracker.stats().emitters[0].sent,
    settle: () => tracker.flush(),
  };
}
