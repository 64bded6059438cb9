// PostHog's Node library, with its default settings; `gzip: false` spares it its default compression.
import { PostHog } from 'posthog-node';
import { sample } from '../sample.mjs';

const answered = { status: 200, text: async () => '{}', json: async () => ({}) };

export function open({ url, gzip = true }) {
  let acknowledged = 0;
  const posthog = new PostHog('bench', {
    host: url ?? 'http://127.0.0.1:9',
    disableCompression: !gzip,
    ...(!url && { fetch: async () => answered }),
  });
  posthog.on('flush', (events) => {
    acknowledged += events.length;
  });
  return {
    track(i) {
      const { ip, userAgent, domainUserId, userId, pageUrl, pageTitle, referrer, data } = sample(i);
      posthog.capture({
        distinctId: userId,
        event: '$pageview',
        properties: {
          $current_url: pageUrl,
          title: pageTitle,
          $referrer: referrer,
          $ip: ip,
          $raw_user_agent: userAgent,
          $device_id: domainUserId,
          ...data,
        },
      });
    },
    acknowledged: () => acknowledged,
    settle: () => posthog.flush(),
  };
}
