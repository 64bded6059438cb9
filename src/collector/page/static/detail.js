// The details of one event: verdict and how to fix it, data, contexts, wire fields, request.
import { assertionOf } from './assertion.js';
import { clock, el, sender } from './dom.js';

/** Shows an event, or hides the pane when there is none. */
export function showDetail(pane, event, { close }) {
  pane.hidden = !event;
  if (!event) return pane.replaceChildren();
  pane.replaceChildren(
    el('div', { class: 'actions' }, [copyButton(event), button('Close', close)]),
    el('h2', {}, el('bdi', {}, event.name)),
    el('p', { class: 'about' }, about(event)),
    ...findings('What is wrong', 'bad', event.errors),
    ...findings('Accepted, but', 'warned', event.warnings),
    ...(event.schema ? [heading('Event'), ...described(event)] : []),
    ...(event.contexts.length > 0 ? [heading('Contexts'), ...event.contexts.flatMap(described)] : []),
    ...(event.unchecked.length > 0 ? [note('Schemas are not checked: start the collector with --iglu FOLDER.')] : []),
    ...(event.lost.length > 0 ? [heading('Lost with the request'), ...event.lost.flatMap(lostEvent)] : []),
    ...(Object.keys(event.payload).length > 0 ? [heading('Fields as sent'), fields(event.payload)] : []),
    heading('Request'),
    fields(requestFields(event.request)),
  );
  pane.scrollTop = 0;
}

function about(event) {
  const { verdict, number, receivedAt, errors, lost } = event;
  const words = { good: 'Good', warned: 'Good, with warnings', bad: 'Bad' }[verdict];
  const events = `${lost.length} event${lost.length === 1 ? '' : 's'}`;
  const scope = errors[0]?.scope === 'payload' ? `: the whole request is lost, ${events}` : '';
  return [`${words}${scope}`, sender(event), `event ${number}`, clock(receivedAt)].filter(Boolean).join(' · ');
}

function findings(title, kind, found) {
  if (found.length === 0) return [];
  const items = found.map(({ field, value, problem, hint }) =>
    el('li', { class: `finding ${kind}` }, [
      el('p', { class: 'problem' }, [el('code', {}, el('bdi', {}, field)), ` ${problem}`]),
      ...(value ? [el('p', { class: 'value' }, el('bdi', {}, value))] : []),
      el('p', { class: 'hint' }, hint),
    ]),
  );
  return [heading(title), el('ul', {}, items)];
}

const heading = (text) => el('h3', {}, text);
const note = (text) => el('p', { class: 'about' }, text);
const json = (value) => JSON.stringify(value, undefined, 2);
const described = ({ schema, data }) => [
  el('p', { class: 'schema' }, el('bdi', {}, schema)),
  el('pre', {}, json(data)),
];

const lostEvent = (payload, index) => [el('p', { class: 'schema' }, `data[${index}]`), el('pre', {}, json(payload))];

function fields(record) {
  const pairs = Object.entries(record).flatMap(([key, value]) => [
    el('dt', {}, el('bdi', {}, key)),
    el('dd', {}, el('bdi', {}, String(value))),
  ]);
  return el('dl', {}, pairs);
}

function requestFields({ id, method, path, answer, eventCount, ip, anonymous, headers }) {
  return {
    request: `${id}, ${method} ${path}, answered ${answer}`,
    events: String(eventCount),
    address: ip,
    anonymous: anonymous ? 'yes' : 'no',
    ...headers,
  };
}

function button(text, act) {
  const made = el('button', { type: 'button' }, text);
  made.addEventListener('click', act);
  return made;
}

function copyButton(event) {
  const made = button('Copy as assertion', async () => {
    await navigator.clipboard.writeText(assertionOf(event));
    made.textContent = 'Copied';
    setTimeout(() => (made.textContent = 'Copy as assertion'), 1_500);
  });
  return made;
}
