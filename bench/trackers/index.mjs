// Every tracker that is measured, by the name it has in the results, with its variants.

const TRACKERS = {
  ours: ['ours', {}],
  'ours, plain': ['ours', { base64: false }],
  'ours, no context': ['ours', { context: false }],
  'ours, same visitor': ['ours', { sameVisitor: true }],
  official: ['official', {}],
  'official, plain': ['official', { base64: false }],
  'official, no context': ['official', { context: false }],
  'official, same visitor': ['official', { sameVisitor: true }],
  segment: ['segment', {}],
  posthog: ['posthog', {}],
  'posthog, no gzip': ['posthog', { gzip: false }],
  mixpanel: ['mixpanel', {}],
};

export const NAMES = Object.keys(TRACKERS);

/** Whose wire format a tracker's bodies have. */
export const wireOf = (name) => {
  const [file] = TRACKERS[name];
  return file === 'ours' || file === 'official' ? 'snowplow' : file;
};

/**
 * Opens a tracker.
 *
 * @param url Where it sends to; without one its transport answers at once.
 * @returns `track(i)`, `acknowledged()`, `settle()` (all that was tracked is acknowledged), and `endTurn()` where needed.
 */
export async function open(name, url) {
  const [file, options] = TRACKERS[name];
  const tracker = await import(`./${file}.mjs`);
  return tracker.open({ ...options, url });
}
