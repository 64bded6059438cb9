// The results as Markdown: all figures of one part, the targets, and the summary that stands in the README.
import { figure, table } from './table.mjs';

/** One part's figures: a row for each subject. */
export function partTable({ title, columns, rows }) {
  const head = ['', ...Object.values(columns)];
  const lines = Object.entries(rows).map(([subject, row]) => [
    subject,
    ...Object.keys(columns).map((key) => figure(row[key])),
  ]);
  return `**${title}**\n\n${table([head, ...lines])}\n`;
}

export function targetTable(targets) {
  const head = ['target', 'measured', 'must be', ''];
  return table([
    head,
    ...targets.map(({ part, what, value, must, holds }) => [
      `${part}: ${what}`,
      figure(value),
      must,
      holds ? 'holds' : 'FAILS',
    ]),
  ]);
}

const TRACKERS = {
  ours: 'snowplow-middleware',
  official: '@snowplow/node-tracker',
  segment: 'Segment',
  posthog: 'PostHog',
  mixpanel: 'Mixpanel `track_batch`',
};

// What the summary shows: a label, the part, and the figure of one tracker's row.
const LINES = [
  ['`track()` returns after, µs', 'track', (row) => row.syncNs / 1000],
  ['CPU per event until acknowledged, µs', 'track', (row) => row.cpuNs / 1000],
  ['heap per event, kB', 'track', (row) => row.totalBytes / 1000],
  ['events/s to a collector', 'throughput', (row) => row.eventsPerSecond],
  ['CPU seconds per million events', 'throughput', (row) => row.cpuPerMillion],
  ['peak memory, MB', 'throughput', (row) => row.peakMB],
];
const FRAMEWORKS = { express: 'Express', koa: 'Koa', nest: 'Nest' };

/** One table of all trackers. Figures of different machines do not compare; those of one table do. */
export function summary({ machine, parts }) {
  const lines = LINES.filter(([, part]) => parts[part]).map(([label, part, of]) => [
    label,
    ...Object.keys(TRACKERS).map((name) => {
      const row = parts[part].rows[name];
      return row ? figure(of(row)) : '';
    }),
  ]);
  for (const [name, label] of Object.entries(FRAMEWORKS)) {
    const rows = parts.middleware?.rows;
    if (!rows?.[`${name}, bare`]) continue;
    const added = (variant) => figure(rows[`${name}, ${variant}`].cpuMicros - rows[`${name}, no-op`].cpuMicros);
    lines.push([`CPU added to a request of ${label}, µs`, added('tracks'), added('official'), '', '', '']);
  }
  if (parts.slow) {
    const share = (name) => `${figure((100 * parts.slow.rows[name].lost) / parts.slow.rows[name].tracked)}%`;
    lines.push(['lost at 5,000 events/s, answers in 200 ms', share('ours'), share('official'), '', '', '']);
  }
  const note = `Measured on ${machine.date} with Node ${machine.node}, ${machine.cpu}: figures of one table compare, those of two machines do not.`;
  return `${table([['', ...Object.values(TRACKERS)], ...lines])}\n\n${note}`;
}
