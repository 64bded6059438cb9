// The live page: reads events from the stream, keeps the newest, and passes them to list, detail and chart.
import { drawRate, SECONDS } from './chart.js';
import { showDetail } from './detail.js';
import { addChoices, filterOf } from './filter.js';
import { renderList, rowId } from './list.js';

// As many events as the collector keeps, and as many rows as a person can look through.
const KEPT = 1_000;
const ROWS = 200;
const FRAME_MS = 100;

const byId = (id) => document.getElementById(id);
const list = byId('list');
const detail = byId('detail');

let events = []; // newest first
let totals = { good: 0, warned: 0, bad: 0 };
let shown = []; // the events on the page that match the filters, in the order of the page
let chosen;
let rows = ROWS;
let due = false;
let held = false; // while a row is pressed nothing moves, so that the release hits the same row
const arrivals = new Map(); // second -> { good, bad }

function draw() {
  const passes = filterOf(byId('filters'));
  const passing = events.filter(passes);
  shown = renderList(list, passing.slice(0, rows), byId('group').checked, chosen);
  byId('empty').hidden = events.length > 0;
  byId('none').hidden = events.length === 0 || passing.length > 0;
  byId('older').hidden = passing.length <= rows;
  const counts = { all: totals.good + totals.warned + totals.bad, ...totals };
  for (const count of document.querySelectorAll('[data-count]')) {
    count.textContent = counts[count.dataset.count].toLocaleString('en');
    count.classList.toggle('some', counts[count.dataset.count] > 0);
  }
  drawRate(byId('rate'), byId('rate-text'), arrivals);
  document.title = totals.bad > 0 ? `(${totals.bad} bad) Collector` : 'Collector';
}

// The page is drawn at most ten times a second, however fast events arrive.
function drawSoon() {
  if (due) return;
  due = true;
  setTimeout(() => requestAnimationFrame(drawUnlessHeld), FRAME_MS);
}

function drawUnlessHeld() {
  due = false;
  if (!held) draw();
}

function hold(pressed) {
  held = pressed;
  if (!held) drawSoon();
}

function choose(event) {
  chosen = event;
  showDetail(detail, event, { close });
  if (event) {
    list.setAttribute('aria-activedescendant', rowId(event));
    byId(rowId(event))?.scrollIntoView({ block: 'nearest' });
  } else list.removeAttribute('aria-activedescendant');
  draw();
}

function close() {
  choose(undefined);
  list.focus();
}

function move(by) {
  const at = shown.indexOf(chosen);
  const next = shown[Math.min(Math.max(at + by, 0), shown.length - 1)];
  if (next) choose(next);
}

list.addEventListener('pointerdown', () => hold(true));
for (const end of ['pointerup', 'pointercancel']) document.addEventListener(end, () => hold(false));
list.addEventListener('click', ({ target }) => {
  const row = target.closest('.row');
  if (row) choose(shown.find((event) => rowId(event) === row.id));
});
list.addEventListener('keydown', (press) => {
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 10, PageUp: -10, Home: -ROWS, End: ROWS * 10 }[
    press.key
  ];
  if (step !== undefined) {
    press.preventDefault();
    move(step);
  } else if (press.key === 'Enter') {
    if (!chosen) move(1);
    detail.focus();
  }
});
document.addEventListener('keydown', (press) => {
  if (press.key === 'Escape' && chosen) close();
  if (press.key === '/' && !press.target.matches('input, select')) {
    press.preventDefault();
    byId('text').focus();
  }
});
byId('filters').addEventListener('input', () => {
  rows = ROWS;
  draw();
});
byId('filters').addEventListener('submit', (submit) => submit.preventDefault());
byId('older').addEventListener('click', () => {
  rows += ROWS;
  draw();
});
byId('clear').addEventListener('click', () => void fetch('/micro/reset', { method: 'POST' }));
byId('endpoint').textContent = `endpoint: '${location.origin}'`;

function take({ data }) {
  const message = JSON.parse(data);
  totals = message.totals;
  if (message.cleared) {
    // Also set at the start of every stream, which then sends all events that the collector holds.
    events = [];
    arrivals.clear();
    choose(undefined);
  }
  events = [...message.events.toReversed(), ...events].slice(0, KEPT);
  addChoices(message.events);
  for (const event of message.events) countArrival(event);
  drawSoon();
}

function countArrival({ receivedAt, verdict }) {
  const second = Math.floor(Date.parse(receivedAt) / 1_000);
  const counts = arrivals.get(second) ?? { good: 0, bad: 0 };
  counts[verdict === 'bad' ? 'bad' : 'good']++;
  arrivals.set(second, counts);
  if (arrivals.size > SECONDS) arrivals.delete(arrivals.keys().next().value);
}

function say(state, words) {
  byId('state').dataset.state = state;
  byId('state').textContent = words;
}

const stream = new EventSource('/events');
stream.addEventListener('open', () => say('live', 'Live'));
stream.addEventListener('error', () => say('lost', 'Collector stopped, retrying'));
stream.addEventListener('message', take);
setInterval(() => drawRate(byId('rate'), byId('rate-text'), arrivals), 1_000);
draw();
