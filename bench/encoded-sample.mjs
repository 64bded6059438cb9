// The sample event as the package's own encoder makes it.
import { ENCODED_INPUT } from '../dist/core/emitter.js';
import { Subject, Tracker } from '../dist/index.js';
import { PAGE_SCHEMA, sample } from './sample.mjs';

let last;
const input = () => {};
const catcher = {
  input: Object.assign(input, { [ENCODED_INPUT]: input }),
  [ENCODED_INPUT]: ([event]) => {
    last = event;
  },
};
const tracker = new Tracker({ emitters: catcher, namespace: 'bench', appId: 'shop' });

export function encodedSample(i) {
  const { ip, userAgent, domainUserId, userId, pageUrl, pageTitle, referrer, data } = sample(i);
  const subject = new Subject().setIpAddress(ip).setUseragent(userAgent);
  subject.setDomainUserId(domainUserId).setUserId(userId);
  tracker
    .withSubject(subject)
    .trackPageView({ pageUrl, pageTitle, referrer, context: [{ schema: PAGE_SCHEMA, data }] });
  return last;
}
