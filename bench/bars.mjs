// The results as an SVG of horizontal bars, readable on a light and on a dark page.
import { figure } from './table.mjs';

const PANELS = [
  {
    title: 'CPU per event until acknowledged (µs, shorter is better)',
    part: 'track',
    of: (row) => row.cpuNs / 1000,
  },
  {
    title: 'Events a second, from track() to a collector (longer is better)',
    part: 'throughput',
    of: (row) => row.eventsPerSecond,
  },
  { title: 'Heap per event (kB, shorter is better)', part: 'track', of: (row) => row.totalBytes / 1000 },
];
const NAMES = {
  ours: 'snowplow-middleware',
  official: '@snowplow/node-tracker',
  segment: 'Segment',
  posthog: 'PostHog',
  mixpanel: 'Mixpanel batches',
};

const [WIDTH, LABEL, BAR, ROW, HEAD, GAP] = [760, 190, 460, 24, 34, 18];
const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .name { text-anchor: end; }
  .bar { fill: #b6bec8; }
  .ours { fill: #6638b8; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .bar { fill: #545d68; }
    .ours { fill: #a98bf0; }
  }`;

function panel({ title, of }, rows, top) {
  const figures = Object.keys(NAMES)
    .filter((name) => rows[name])
    .map((name) => [name, of(rows[name])]);
  const most = Math.max(...figures.map(([, value]) => value));
  const lines = figures.map(([name, value], index) => {
    const y = top + HEAD + index * ROW;
    const width = Math.max(1, Math.round((value / most) * BAR));
    const kind = name === 'ours' ? 'bar ours' : 'bar';
    return `  <text class="name" x="${LABEL - 10}" y="${y + 14}">${NAMES[name]}</text>
  <rect class="${kind}" x="${LABEL}" y="${y + 1}" width="${width}" height="17" rx="3"/>
  <text x="${LABEL + width + 8}" y="${y + 14}">${figure(value)}</text>`;
  });
  return {
    svg: [`  <text class="title" x="16" y="${top + 18}">${title}</text>`, ...lines].join('\n'),
    height: HEAD + figures.length * ROW,
  };
}

/** @param parts The parts of a results file; panels whose part is missing are left out. */
export function bars(parts) {
  let top = 8;
  const drawn = PANELS.filter(({ part }) => parts[part]).map((each) => {
    const { svg, height } = panel(each, parts[each.part].rows, top);
    top += height + GAP;
    return svg;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" aria-label="Benchmark results, the same as in the table">
<style>${STYLE}
</style>
${drawn.join('\n')}
</svg>
`;
}
