// A receiver that accepts every event except one: it refuses each request with that event, in one of many ways.
import {
  answer,
  hang,
  raw,
  type Reaction,
  reset,
  type ScriptedCollector,
  startScriptedCollector,
} from './scripted-collector';

/** How it refuses; `final` where the answer says that it will never take it. */
export const REFUSALS: readonly { readonly how: string; readonly reaction: Reaction; readonly final?: boolean }[] = [
  ...[400, 403, 422].map((status) => ({ how: `the answer ${status}`, reaction: answer(status), final: true })),
  ...[406, 429, 500, 503].map((status) => ({ how: `the answer ${status}`, reaction: answer(status) })),
  { how: 'a reset', reaction: reset() },
  { how: 'no answer', reaction: hang() },
  {
    how: 'a head that cannot be parsed',
    reaction: raw('SSH-2.0-OpenSSH_9.2\r\n\r\n'),
  },
];

export const startRefusing = (eid: string, reaction: Reaction): Promise<ScriptedCollector> =>
  startScriptedCollector({
    otherwise: ({ events }) => (events.some((event) => event['eid'] === eid) ? reaction : answer(200)),
  });
