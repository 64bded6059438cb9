// Segment's Node library, with its default settings.
import { Analytics } from '@segment/analytics-node';
import { sample } from '../sample.mjs';

const answered = { status: 200, statusText: 'OK', headers: {}, text: async () => '1' };

export function open({ url }) {
  let acknowledged = 0;
  const analytics = new Analytics({
    writeKey: 'bench',
    ...(url ? { host: url } : { httpClient: async () => answered }),
  });
  analytics.on('error', (error) => {
    throw new Error(`segment: ${error.code}`);
  });
  const delivered = () => {
    acknowledged++;
  };
  return {
    track(i) {
      const { ip, userAgent, domainUserId, userId, pageUrl, pageTitle, referrer, data } = sample(i);
      analytics.page(
        {
          userId,
          anonymousId: domainUserId,
          properties: { url: pageUrl, title: pageTitle, referrer, ...data },
          context: { ip, userAgent },
        },
        delivered,
      );
    },
    acknowledged: () => acknowledged,
    settle: () => analytics.flush(),
  };
}
