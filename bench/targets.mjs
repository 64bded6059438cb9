// The floors that `--check` holds the measurements to: each a ratio or a count of one run.

const best = (rows, names, key, pick) => pick(...names.filter((name) => rows[name]).map((name) => rows[name][key]));
const QUEUEING = ['segment', 'posthog', 'posthog, no gzip'];

/** `part`, what is measured, `of(rows)`, and the floor (`least`) or ceiling (`most`) it must keep. */
const TARGETS = [
  {
    part: 'track',
    what: 'time until track() returns / official',
    of: (rows) => rows.ours.syncNs / rows.official.syncNs,
    most: 0.22,
  },
  {
    part: 'track',
    what: 'CPU until acknowledged / official',
    of: (rows) => rows.ours.cpuNs / rows.official.cpuNs,
    most: 0.11,
  },
  {
    part: 'track',
    what: 'CPU until acknowledged / best queueing peer',
    of: (rows) => rows.ours.cpuNs / best(rows, QUEUEING, 'cpuNs', Math.min),
    most: 0.36,
  },
  { part: 'track', what: 'heap bytes per event', of: (rows) => rows.ours.totalBytes, most: 5000 },
  {
    part: 'throughput',
    what: 'events/s / official',
    of: (rows) => rows.ours.eventsPerSecond / rows.official.eventsPerSecond,
    least: 6.5,
  },
  {
    part: 'throughput',
    what: 'events/s / best queueing peer',
    of: (rows) => rows.ours.eventsPerSecond / best(rows, QUEUEING, 'eventsPerSecond', Math.max),
    least: 4.2,
  },
  {
    part: 'throughput',
    what: 'events/s / mixpanel track_batch',
    of: (rows) => rows.ours.eventsPerSecond / rows.mixpanel.eventsPerSecond,
    least: 1.3,
  },
  { part: 'throughput', what: 'events missing', of: (rows) => rows.ours.missing, most: 0 },
  {
    part: 'sender',
    what: 'events/s / undici dispatch',
    of: (rows) => rows.ours.eventsPerSecond / rows.raw.eventsPerSecond,
    least: 0.9,
  },
  {
    part: 'sender',
    what: 'events/s / undici dispatch, bodies to be joined',
    of: (rows) => rows['ours, joining'].eventsPerSecond / rows['raw, joining'].eventsPerSecond,
    least: 0.9,
  },
  ...framework('express', 0.62, 0.34),
  ...framework('koa', 0.6, 0.33),
  ...framework('nest', 0.64, 0.38),
  ...['express', 'koa', 'nest'].map((name) => ({
    part: 'latency',
    what: `${name}: ms added to a request's p99`,
    only: (rows) => rows[`${name}, no-op`] !== undefined,
    of: (rows) => rows[`${name}, tracks`].p99 - rows[`${name}, no-op`].p99,
    most: 0.3,
  })),
  { part: 'start-up', what: 'CPU ms of loading the module', of: (rows) => rows.ours.cpuMs, most: 30 },
  { part: 'slow', what: 'events lost', of: (rows) => rows.ours.lost, most: 0 },
  { part: 'slow', what: 'events duplicated', of: (rows) => rows.ours.duplicates, most: 0 },
  { part: 'slow', what: 'ms added to the loop p99', of: (rows) => rows.ours.addedP99Ms, most: 2 },
  { part: 'slow', what: 'connections', of: (rows) => rows.ours.connections, most: 8 },
  { part: 'dead', what: 'memory / bytes held', of: (rows) => rows.ours.memoryToBound, most: 1.5 },
  { part: 'dead', what: 'refused events not reported', of: (rows) => rows.ours.uncounted, most: 0 },
  { part: 'dead', what: 'accepted events lost', of: (rows) => rows.ours.lost, most: 0 },
  {
    part: 'dead',
    what: 'ms from the first attempt after its return until drained',
    of: (rows) => rows.ours.drainMs - rows.ours.firstMs,
    most: 5000,
  },
];

/** @param tracking Of the no-op's requests a second. @param cpu Of the CPU time that the official tracker adds. */
function framework(name, tracking, cpu) {
  const row = (rows, variant) => rows[`${name}, ${variant}`];
  const perSecond = (rows, variant) => row(rows, variant).requestsPerSecond;
  const added = (rows, variant) => row(rows, variant).cpuMicros - row(rows, 'no-op').cpuMicros;
  const only = (rows) => row(rows, 'bare') !== undefined;
  return [
    {
      what: `${name}: requests/s, one event / no-op`,
      of: (rows) => perSecond(rows, 'tracks') / perSecond(rows, 'no-op'),
      least: tracking,
    },
    {
      what: `${name}: CPU added per request / official`,
      of: (rows) => added(rows, 'tracks') / added(rows, 'official'),
      most: cpu,
    },
  ].map((target) => ({ part: 'middleware', only, ...target }));
}

/** Every target of the parts that were measured, with its value and whether it holds. */
export function judge(parts) {
  return TARGETS.filter(({ part, only }) => parts[part] && (!only || only(parts[part].rows))).map(
    ({ part, what, of, least, most }) => {
      const value = of(parts[part].rows);
      const holds = least === undefined ? value <= most : value >= least;
      return { part, what, value, must: least === undefined ? `<= ${most}` : `>= ${least}`, holds };
    },
  );
}
