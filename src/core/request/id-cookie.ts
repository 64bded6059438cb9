// Reads a visitor's cookies: the browser tracker's `_sp_id.<hash>` and `_sp_ses.<hash>`, and the collector's `sp`.
// A visitor can write anything into them: their form is checked, and they prove no identity.
import { createHash } from 'node:crypto';
import { INT32_MAX, isUuid } from '../contracts';
import { isTime } from '../protocol/fields';
import { decode, memoise } from '../url/page-url';

/** The settings of the site's browser tracker, which decide which of several `_sp_id` cookies counts. */
export interface IdCookieRules {
  readonly cookieName: string;
  readonly cookieDomain: string | undefined;
  readonly cookiePath: string | undefined;
}

/** One `_sp_id` cookie. */
interface IdCookie {
  /** The end of its name, which its `_sp_ses` shares. */
  readonly hash: string;
  /** All its fields, separated by dots and unchecked. */
  readonly value: string;
  /** The two ids, if they are well formed. */
  readonly duid: string | undefined;
  readonly sid: string | undefined;
  readonly visits: string;
}

/** A visitor as described by the cookies. Each field has the form that the pipeline requires, or is absent. */
interface Visitor {
  readonly duid: string | undefined;
  readonly sid: string | undefined;
  readonly vid: string | undefined;
  readonly tnuid: string | undefined;
  /** All fields of the `_sp_id` cookie, unchecked; only while its session is live. */
  readonly session: string | undefined;
}

// Node's default limit for all headers of a request. With a higher limit, the rest is not worth reading.
const LONGEST_HEADER = 16_384;
// From an old user id and five dots to ten fields with a margin. Nothing shorter or longer is decoded.
const SHORTEST_VALUE = 21;
const LONGEST_VALUE = 512;

/**
 * The ids in a Cookie header. Session id and index only count while the session is live, which the `_sp_ses` cookie shows: after
 * that, the browser's next event starts another session, and they would be stale. Never throws.
 *
 * @param host The public host as in the Host header, or the public origin: the cookie's name holds a hash of the host's name.
 * @example
 * readVisitor('_sp_id.1fff=<duid>.1700000000.3.1700000100..<sid>; _sp_ses.1fff=*', 'acme.com', rules);
 * // { duid, sid, vid: '3', tnuid: undefined, session }
 */
export function readVisitor(header: string | undefined, host: string | undefined, rules: IdCookieRules): Visitor {
  if (header === undefined) return NOBODY;
  const ids: IdCookie[] = [];
  const live: string[] = [];
  let tnuid: string | undefined;
  const idPrefix = `${rules.cookieName}id.`;
  const sessionPrefix = `${rules.cookieName}ses.`;

  // A cookie that crosses the limit is not read: half a cookie could look like a whole one.
  const length = header.length > LONGEST_HEADER ? header.lastIndexOf(';', LONGEST_HEADER) : header.length;
  for (let start = 0, end: number; start < length; start = end + 1) {
    end = header.indexOf(';', start);
    if (end < 0) end = length;
    while (start < end && (header[start] === ' ' || header[start] === '\t')) start++;
    const isId = header.startsWith(idPrefix, start);
    if (isId || header.startsWith(sessionPrefix, start)) {
      const from = start + (isId ? idPrefix : sessionPrefix).length;
      const hash = header.slice(from, from + 4);
      if (from + 4 >= end || header[from + 4] !== '=' || !HASH.test(hash)) continue;
      if (!isId) live.push(hash);
      else {
        const value = valueIn(header, from + 5, end);
        const [, userId, visits = '', sessionId] = SIX_FIELDS.exec(value) ?? [];
        const duid = isUuid(userId) || OLD_USER_ID.test(userId ?? '') ? userId : undefined;
        const sid = isUuid(sessionId) ? sessionId : undefined;
        if (duid !== undefined || sid !== undefined) ids.push({ hash, value, duid, sid, visits });
      }
    } else if (tnuid === undefined && header.startsWith('sp=', start)) {
      const value = valueIn(header, start + 3, end);
      if (isUuid(value)) tnuid = value;
    }
  }

  const configured = rules.cookieDomain !== undefined || rules.cookiePath !== undefined;
  const id = ids.length > 1 || configured ? choose(ids, host, rules) : ids[0];
  if (!id || !live.includes(id.hash))
    return { duid: id?.duid, sid: undefined, vid: undefined, tnuid, session: undefined };
  return { duid: id.duid, sid: id.sid, vid: int32(id.visits)?.toString(), tnuid, session: id.value };
}

const NOBODY: Visitor = { duid: undefined, sid: undefined, vid: undefined, tnuid: undefined, session: undefined };
const HASH = /^[\da-f]{4}$/;
// User id, creation, visits, now, last visit, session id; more fields may follow.
const SIX_FIELDS = /^([^.]*)\.[^.]*\.([^.]*)\.[^.]*\.[^.]*\.([^.]*)/;
// Old browser trackers used these instead of a UUID.
const OLD_USER_ID = /^[\da-f]{16}$/;

function valueIn(header: string, start: number, end: number): string {
  if (end - start < SHORTEST_VALUE || end - start > LONGEST_VALUE) return '';
  const value = header.slice(start, end).trim();
  const bare = value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  return decode(bare);
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/**
 * The `client_session` entity of the visitor's live session, as the browser tracker would attach it; undefined if the cookie lacks
 * what the schema (1-0-2) requires. `eventIndex` is that of the browser's latest event.
 * A browser that tracks anonymously keeps no user id; its entity has the nil UUID.
 *
 * @example
 * readClientSession(header, 'acme.com', rules)?.data; // { userId, sessionId, sessionIndex: 3, eventIndex: 12, … }
 */
export function readClientSession(
  header: string | undefined,
  host: string | undefined,
  rules: IdCookieRules,
): { schema: string; data: object } | undefined {
  const { session, duid, sid } = readVisitor(header, host, rules);
  if (session === undefined) return undefined;
  const [user, , visits, , , , previous, firstEvent, firstTime, events] = session.split('.');
  const userId = user === '' ? NIL_UUID : duid?.toLowerCase();
  const sessionIndex = int32(visits);
  if (userId === undefined || sessionIndex === undefined || sid === undefined) return undefined;
  const eventIndex = int32(events);
  const firstTimestamp = wholeNumber(firstTime);
  return {
    schema: 'iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2',
    data: {
      userId,
      sessionId: sid,
      sessionIndex,
      storageMechanism: 'COOKIE_1',
      ...(eventIndex !== undefined && { eventIndex }),
      ...(isUuid(previous) && { previousSessionId: previous }),
      ...(isUuid(firstEvent) && { firstEventId: firstEvent }),
      ...(firstTimestamp !== undefined &&
        isTime(firstTimestamp) && { firstEventTimestamp: new Date(firstTimestamp).toISOString() }),
    },
  };
}

const DIGITS = /^\d{1,15}$/;
function wholeNumber(value: string | undefined, maximum = Infinity): number | undefined {
  return value !== undefined && DIGITS.test(value) && Number(value) <= maximum ? Number(value) : undefined;
}
const int32 = (value: string | undefined): number | undefined => wholeNumber(value, INT32_MAX);

/**
 * Chooses one cookie, never parts of two. With a configured domain or path, only the cookie of that hash counts. Otherwise that of
 * the host, then of its parents (by default the browser tracker hashes the widest domain that accepts its cookie), then the first.
 */
function choose(
  ids: readonly IdCookie[],
  host: string | undefined,
  { cookieDomain, cookiePath }: IdCookieRules,
): IdCookie | undefined {
  for (const domain of cookieDomain === undefined ? domainsOf(host ?? '') : [cookieDomain]) {
    const hash = hashOf(domain + (cookiePath ?? '/'));
    const id = ids.find((candidate) => candidate.hash === hash);
    if (id) return id;
  }
  return cookieDomain === undefined && cookiePath === undefined ? ids[0] : undefined;
}

// A registrable domain has few labels. Without a limit, a host of 127 labels would cost as many hashes.
const MOST_PARENT_LABELS = 4;
const MAX_HOST = 255;

function domainsOf(host: string): readonly string[] {
  if (host.length > MAX_HOST) return [];
  // The form of location.hostname in the browser, which the browser tracker uses.
  const name = host.toLowerCase().replace(/^https?:\/\//, '').replace(/:\d*$/, '').replace(/\.$/, ''); // prettier-ignore
  const labels = name.split('.');
  const domains = [name];
  for (let start = Math.max(1, labels.length - MOST_PARENT_LABELS); start < labels.length - 1; start++)
    domains.push(labels.slice(start).join('.'));
  return domains;
}

const hashOf = memoise(500, (domainAndPath) => createHash('sha1').update(domainAndPath).digest('hex').slice(0, 4));
