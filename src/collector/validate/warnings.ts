// Warnings about what the pipeline accepts silently and stores wrongly: one entry per rule.
import { hintForUnknownKey } from '../decode/lost-request';
import type { Parameters } from '../decode/tracker-payload';
import { type FieldKind, FIELDS, lookUp } from '../fields/fields';
import { splitUri } from '../fields/uri';
import { excerpt, type Finding, MAX_FINDINGS } from '../hints/finding';
import { inCode } from '../hints/origins';
import type { CollectedRequest } from '../log/event';
import { isMillis } from './field-rules';

interface Judged {
  readonly payload: Parameters;
  readonly request: CollectedRequest;
}

interface WarningRule {
  readonly rule: string;
  /** The fields at fault. */
  readonly find: (judged: Judged) => readonly string[];
  readonly problem: string;
  /** For any tracker; the code of this package that sets the field is added. */
  readonly hint: string | ((field: string) => string);
}

const SKEW_MS = 5 * 60_000;
// Earlier times are mistakes: a time in seconds, or since the start of a process, is read as one of 1970.
const FIRST_MS = Date.UTC(2001, 0);
const IDENTIFIERS = ['ip', 'duid', 'tnuid', 'nuid', 'sid', 'uid'];

const has = (payload: Parameters, key: string): boolean => payload[key] !== undefined && payload[key] !== '';
const unless = (fine: boolean, ...fields: string[]): string[] => (fine ? [] : fields);
const kindOf = (key: string): FieldKind | undefined => lookUp(FIELDS, key)?.kind;
const where = (payload: Parameters, test: (key: string, value: string) => boolean): string[] =>
  Object.entries(payload).flatMap(([key, value]) => (test(key, value) ? [key] : []));

// A browser's request has the visitor's address, user agent and cookie; a server's request has its own.
// Decided by the site header, not the mode, because Node's fetch also sends `sec-fetch-mode: cors`.
const fromServer = ({ headers, anonymous }: CollectedRequest): boolean =>
  !anonymous && headers['origin'] === undefined && headers['sec-fetch-site'] === undefined;

const lacks =
  (key: string) =>
  ({ payload, request }: Judged): string[] =>
    unless(!fromServer(request) || has(payload, key), key);

const RULES: readonly WarningRule[] = [
  {
    rule: 'no-data',
    find: ({ payload }) => unless(payload['e'] !== 'ue' || 'ue_px' in payload || 'ue_pr' in payload, 'ue_px'),
    problem: 'is missing: a self-describing event without data is stored without a name',
    hint: 'Send ue_px (base64) or ue_pr (plain) with every ue event.',
  },
  {
    rule: 'both-forms',
    find: ({ payload }) => [
      ...unless(!('co' in payload && 'cx' in payload), 'cx'),
      ...unless(!('ue_pr' in payload && 'ue_px' in payload), 'ue_px'),
    ],
    problem: 'is sent with its plain form (co, ue_pr): the two are not merged, and one of them is lost',
    hint: 'Put everything into one of the two.',
  },
  {
    rule: 'no-category',
    find: ({ payload }) => (payload['e'] === 'se' ? ['se_ca', 'se_ac'].filter((key) => !has(payload, key)) : []),
    problem: 'is missing: without category and action, a structured event cannot be found again',
    hint: 'Send it with every se event.',
  },
  {
    rule: 'no-page-url',
    find: ({ payload, request }) =>
      unless(payload['e'] !== 'pv' || has(payload, 'url') || 'referer' in request.headers, 'url'),
    problem: 'is missing: the viewed page is unknown',
    hint: 'Send it with every page view; the middleware takes it from the request.',
  },
  {
    rule: 'no-app-id',
    find: ({ payload }) => unless(has(payload, 'aid'), 'aid'),
    problem: 'is missing: events of several apps cannot be told apart',
    hint: 'Set it on the tracker.',
  },
  {
    rule: 'no-event-id',
    find: ({ payload }) => unless('eid' in payload, 'eid'),
    problem: 'is missing: the pipeline generates one, and an event sent twice counts twice',
    hint: 'Send a UUID that is generated when the event is tracked and stays the same in every attempt; an Emitter does this.',
  },
  {
    rule: 'no-platform',
    find: ({ payload }) => unless('p' in payload, 'p'),
    problem: 'is missing: a GET is accepted without it, but a POST would be lost',
    hint: 'Send srv for a server, web for a page.',
  },
  {
    rule: 'no-tracker-version',
    find: ({ payload }) => unless('tv' in payload, 'tv'),
    problem: 'is missing: a GET is accepted without it, but a POST would be lost',
    hint: 'Send the name and version of the tracker.',
  },
  {
    rule: 'no-address',
    find: lacks('ip'),
    problem: "is missing: the server's own address is stored as the visitor's",
    hint: "Send the visitor's, or SP-Anonymous if there is none; the middleware takes it from the request.",
  },
  {
    rule: 'no-user-agent',
    find: lacks('ua'),
    problem: "is missing: the tracker's own user agent is stored as the visitor's",
    hint: "Send the visitor's; the middleware takes it from the request.",
  },
  {
    rule: 'no-network-id',
    find: ({ payload, request }) =>
      unless(
        !fromServer(request) ||
          has(payload, 'tnuid') ||
          has(payload, 'nuid') ||
          Object.hasOwn(request.headers, 'cookie'),
        'tnuid',
      ),
    problem: 'is missing: network_userid is a new random id in every request',
    hint: "Send the visitor's sp cookie, as the middleware does; without one, do not rely on network_userid.",
  },
  {
    rule: 'identified-though-anonymous',
    find: ({ payload, request }) => (request.anonymous ? IDENTIFIERS.filter((key) => has(payload, key)) : []),
    problem: 'is stored although the request has SP-Anonymous, which only hides headers and cookie',
    hint: 'Leave it out; the option anonymous of a tracker or an event does this.',
  },
  {
    rule: 'relative-url',
    find: ({ payload }) => ['url', 'refr'].filter((key) => has(payload, key) && splitUri(payload[key]!)?.host === null),
    problem: 'has no host: it is stored with host null and port 80',
    hint: 'Send an absolute URL, with https:// and host; the middleware makes one from the request and its option origin.',
  },
  {
    rule: 'long-url',
    find: ({ payload }) => ['url', 'refr'].filter((key) => (payload[key]?.length ?? 0) > 4_096),
    problem: 'is longer than 4096 characters: Enrich before 4.0 makes such events bad',
    hint: 'Shorten the query, or check the version of your pipeline.',
  },
  {
    rule: 'sent-before-created',
    find: ({ payload }) => unless(!(Number(payload['stm']) < Number(payload['dtm'])), 'stm'),
    problem: "is before dtm, so the event gets its time from the collector's clock",
    hint: 'Set stm when the request is sent, with the same clock as dtm.',
  },
  {
    rule: 'seconds',
    find: ({ payload }) =>
      where(payload, (key, value) => kindOf(key) === 'millis' && isMillis(value) && Number(value) < FIRST_MS),
    problem: 'is before 2001: it looks like seconds, or like performance.now()',
    hint: 'Send milliseconds since 1970: String(Date.now()), or seconds times 1,000.',
  },
  {
    rule: 'clock-skew',
    find: ({ payload, request }) => {
      const received = request.receivedAt.getTime();
      if ('stm' in payload) return unless(!(Math.abs(Number(payload['stm']) - received) > SKEW_MS), 'stm');
      return unless(!(Number(payload['dtm']) - received > SKEW_MS), 'dtm');
    },
    problem: "is more than five minutes off the collector's clock",
    hint: 'Set stm at every attempt to send, and correct the clock.',
  },
  {
    rule: 'unknown-key',
    find: ({ payload }) => where(payload, (key) => kindOf(key) === undefined),
    problem: 'is not a key of the tracker protocol: a query ignores it, but a POST body with it would be lost',
    hint: hintForUnknownKey,
  },
  {
    rule: 'ignored-key',
    find: ({ payload }) => where(payload, (key) => kindOf(key) === 'ignored'),
    problem: 'is allowed, but not stored',
    hint: 'Leave it out; put your own data into a context.',
  },
  {
    rule: 'control-characters',
    find: ({ payload }) => where(payload, (key, value) => kindOf(key) === 'text' && /\p{Cc}/u.test(value)),
    problem: 'holds control characters: tabs become spaces, the others are removed',
    hint: 'Remove line breaks and tabs yourself.',
  },
  {
    rule: 'empty-text',
    find: ({ payload }) => where(payload, (key, value) => kindOf(key) === 'text' && value === ''),
    problem: 'is empty, and is stored as null',
    hint: 'Leave the key out if there is no value.',
  },
  {
    rule: 'null-text',
    find: ({ payload }) => where(payload, (_key, value) => value === 'null' || value === 'undefined'),
    problem: 'is null or undefined, written as text: numbers become null, text stays as it is',
    hint: 'Leave the key out if there is no value.',
  },
];

/** Finds what would silently go wrong. */
export function findWarnings(judged: Judged): Finding[] {
  return RULES.flatMap(({ rule, find, problem, hint }) =>
    find(judged)
      .slice(0, MAX_FINDINGS)
      .map((field) => ({
        field,
        rule,
        value: excerpt(judged.payload[field] ?? ''),
        problem,
        hint: typeof hint === 'string' ? hint + inCode(field) : hint(field),
      })),
  );
}
