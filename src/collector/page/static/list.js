// The list of events: one row each, newest first, under their visitors when grouped.
import { clock, el, sender, shortId } from './dom.js';

const MARKS = { good: '●', warned: '▲', bad: '✕' };
const rowOf = new WeakMap();

export const rowId = ({ number }) => `event-${number}`;

/** Puts `events` into `list` and gives them back in the order in which they stand there. */
export function renderList(list, events, grouped, chosen) {
  const groups = grouped ? byVisitor(events) : [{ events }];
  list.replaceChildren(
    ...groups.flatMap((group) => [...(group.title ? [group.title] : []), ...group.events.map((event) => row(event))]),
  );
  for (const selected of list.querySelectorAll('[aria-selected="true"]'))
    selected.setAttribute('aria-selected', 'false');
  if (chosen) document.getElementById(rowId(chosen))?.setAttribute('aria-selected', 'true');
  return groups.flatMap((group) => group.events);
}

// Each event's row is made once and reused, so that drawing stays cheap and nothing flickers.
function row(event) {
  const known = rowOf.get(event);
  if (known) return known;
  const made = el(
    'div',
    { id: rowId(event), class: `row ${event.verdict}`, role: 'option', 'aria-selected': 'false' },
    [
      el('span', { class: 'mark', 'aria-label': event.verdict, role: 'img' }, MARKS[event.verdict]),
      el('span', { class: 'name' }, event.name),
      el('span', { class: 'summary' }, summary(event)),
      el('span', { class: 'sender', title: sender(event) }, [
        el('span', { class: 'app' }, event.app),
        el('span', {}, sender(event).slice(event.app.length)),
      ]),
      el('span', { class: 'user', title: event.user }, shortId(event.user)),
      el('time', { datetime: event.receivedAt }, clock(event.receivedAt)),
    ],
  );
  rowOf.set(event, made);
  return made;
}

// An error replaces the summary; warnings come after it.
function summary({ errors, warnings, summary: happened }) {
  const [error] = errors;
  if (error) return `${error.field} ${error.problem}${errors.length > 1 ? `, and ${errors.length - 1} more` : ''}`;
  if (warnings.length === 0) return happened;
  const rules = [...new Set(warnings.map(({ rule }) => rule.replaceAll('-', ' ')))];
  return [happened, el('span', { class: 'doubt' }, rules.join(', '))];
}

function byVisitor(events) {
  const visitors = Map.groupBy(events, ({ visitor }) => visitor);
  return [...visitors].map(([visitor, theirs]) => {
    const platforms = [...new Set(theirs.map(({ payload }) => payload.p).filter(Boolean))].join(' + ');
    const count = `${theirs.length} event${theirs.length === 1 ? '' : 's'}${platforms && `, ${platforms}`}`;
    const title = el('div', { class: 'visitor', role: 'presentation' }, [
      visitor ? el('bdi', {}, visitor) : 'No visitor id',
      ` · ${count}`,
    ]);
    return { title, events: theirs };
  });
}
