// Mixpanel's `track_batch`: no queue of its own, so the caller's list of one turn is what is sent.
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Mixpanel from 'mixpanel';
import { sample } from '../sample.mjs';

export function open({ url }) {
  let list = [];
  let tracked = 0;
  let acknowledged = 0;
  const mixpanel = Mixpanel.init('bench', { host: new URL(url).host, protocol: 'http' });
  const send = () => {
    const events = list;
    if (events.length === 0) return;
    list = [];
    mixpanel.track_batch(events, (errors) => {
      if (errors) throw errors[0];
      acknowledged += events.length;
    });
  };
  return {
    track(i) {
      tracked++;
      const { ip, userAgent, domainUserId, userId, pageUrl, pageTitle, referrer, data } = sample(i);
      list.push({
        event: '$mp_web_page_view',
        properties: {
          distinct_id: userId,
          $device_id: domainUserId,
          $insert_id: randomUUID(),
          time: Date.now(),
          ip,
          user_agent: userAgent,
          current_url: pageUrl,
          current_page_title: pageTitle,
          referrer,
          ...data,
        },
      });
    },
    endTurn: send,
    acknowledged: () => acknowledged,
    async settle() {
      send();
      while (acknowledged < tracked) await nextTurn();
    },
  };
}
