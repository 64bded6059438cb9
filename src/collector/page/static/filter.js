// The filters above the list: by verdict, text, event, app, tracker and user.
import { visible } from './dom.js';

const MOST_CHOICES = 200;
const searchable = new WeakMap();
const KEYS = { event: 'name', app: 'app', tracker: 'tracker', user: 'user' };

/** A function that tells whether an event passes what the form says. */
export function filterOf(form) {
  const wanted = Object.fromEntries(new FormData(form));
  const text = wanted.text.trim().toLowerCase();
  return (event) =>
    (!wanted.verdict || event.verdict === wanted.verdict) &&
    Object.entries(KEYS).every(([name, key]) => !wanted[name] || event[key] === wanted[name]) &&
    (!text || textOf(event).includes(text));
}

/** Offers what new events bring to choose from, where there is more than one thing to choose. */
export function addChoices(events) {
  for (const [name, key] of Object.entries(KEYS)) {
    const select = document.getElementById(name);
    const known = new Set(Array.from(select.options, ({ value }) => value));
    for (const event of events) {
      const value = event[key];
      if (!value || known.has(value) || known.size > MOST_CHOICES) continue;
      known.add(value);
      select.add(new Option(visible(value.length > 60 ? `${value.slice(0, 60)}…` : value), value));
    }
    // The first option is the label of the filter.
    select.hidden = select.options.length < 3;
  }
}

function textOf(event) {
  let text = searchable.get(event);
  if (text === undefined) {
    const { name, payload, data, contexts, errors, warnings, request } = event;
    text = JSON.stringify([name, payload, data, contexts, errors, warnings, request]).toLowerCase();
    searchable.set(event, text);
  }
  return text;
}
