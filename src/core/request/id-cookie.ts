// What the browser tracker's cookies say of a visitor: `_sp_id.<hash>`, its sibling `_sp_ses.<hash>`, and the collector's `sp`.
// All of it is the visitor's own word: it is checked for shape, and proves no identity.
import { createHash } from 'node:crypto';
import { isUuid } from '../contracts';
import { memoise } from '../memoise';
import { decode } from '../url/percent-encoding';

/** Which of several `_sp_id` cookies counts: the settings of the site's browser tracker. */
export interface IdCookieRules {
  readonly cookieName: string;
  readonly cookieDomain: string | undefined;
  readonly cookiePath: string | undefined;
}

/** One `_sp_id` cookie. */
interface IdCookie {
  /** The end of its name, by which its `_sp_ses` belongs to it. */
  readonly hash: string;
  /** All its fields, parted by dots and unchecked. */
  readonly value: string;
  /** The two ids, where they are such. */
  readonly duid: string | undefined;
  readonly sid: string | undefined;
}

/** What the scan of a Cookie header finds: one `_sp_id`, whether its session is still running, and the collector's id. */
interface Found {
  readonly id: IdCookie | undefined;
  readonly live: boolean;
  readonly tnuid: string | undefined;
}

/** A visitor as the cookies tell; each field has the shape the pipeline asks for, or is absent. */
export interface Visitor {
  readonly duid: string | undefined;
  readonly sid: string | undefined;
  readonly vid: string | undefined;
  readonly tnuid: string | undefined;
}

// Node's own bound for all headers of a request; one raised above it is not worth reading further.
const LONGEST_HEADER = 16_384;
// From an old user id and five dots to ten fields with room; nothing else is decoded, however many there are.
const SHORTEST_VALUE = 21;
const LONGEST_VALUE = 512;

/**
 * The ids in a Cookie header. Session id and index only while the session is live (the sibling `_sp_ses` cookie is there):
 * after that the browser's next event starts another session, and theirs would be stale. Never throws.
 *
 * @param host The public host as in the Host header: the browser tracker hashes it into the cookie's name.
 * @example
 * readVisitor('_sp_id.1fff=<duid>.1700000000.3.1700000100..<sid>; _sp_ses.1fff=*', 'acme.com', rules);
 * // { duid, sid, vid: '3', tnuid: undefined }
 */
export function readVisitor(header: string | undefined, host: string | undefined, rules: IdCookieRules): Visitor {
  const { id, live, tnuid } = readCookies(header, host, rules);
  return {
    duid: id?.duid,
    sid: live ? id?.sid : undefined,
    vid: id && live ? int32(fieldOf(id.value, VISITS))?.toString() : undefined,
    tnuid,
  };
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const LATEST = 253_402_300_799_999;

/**
 * The `client_session` entity of the visitor's live session, as the browser tracker would attach it; undefined when the
 * cookie cannot fill what the schema (1-0-2) requires. `eventIndex` is that of the browser's latest event.
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
  const { id, live } = readCookies(header, host, rules);
  if (!id || !live) return undefined;
  const [duid, , visits, , , , previous, firstEvent, firstTime, events] = id.value.split('.');
  const userId = duid === '' ? NIL_UUID : id.duid?.toLowerCase();
  const sessionIndex = int32(visits);
  if (userId === undefined || sessionIndex === undefined || id.sid === undefined) return undefined;
  const eventIndex = int32(events);
  const firstTimestamp = wholeNumber(firstTime, LATEST);
  return {
    schema: 'iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2',
    data: {
      userId,
      sessionId: id.sid,
      sessionIndex,
      storageMechanism: 'COOKIE_1',
      ...(eventIndex !== undefined && { eventIndex }),
      ...(isUuid(previous) && { previousSessionId: previous }),
      ...(isUuid(firstEvent) && { firstEventId: firstEvent }),
      ...(firstTimestamp !== undefined && { firstEventTimestamp: new Date(firstTimestamp).toISOString() }),
    },
  };
}

function readCookies(header: string | undefined, host: string | undefined, rules: IdCookieRules): Found {
  if (header === undefined) return { id: undefined, live: false, tnuid: undefined };
  const ids: IdCookie[] = [];
  const live: string[] = [];
  let tnuid: string | undefined;
  const idPrefix = `${rules.cookieName}id.`;
  const sessionPrefix = `${rules.cookieName}ses.`;

  // What the bound cuts off in the middle is not read: half a cookie could still look like a whole one.
  const length = header.length > LONGEST_HEADER ? header.lastIndexOf(';', LONGEST_HEADER) : header.length;
  for (let start = 0, end: number; start < length; start = end + 1) {
    end = header.indexOf(';', start);
    if (end < 0) end = length;
    while (start < end && (header[start] === ' ' || header[start] === '\t')) start++;
    if (header.startsWith(idPrefix, start)) {
      const hash = hashAt(header, start + idPrefix.length, end);
      const id = hash && idCookie(hash, valueIn(header, start, end));
      if (id) ids.push(id);
    } else if (header.startsWith(sessionPrefix, start)) {
      const hash = hashAt(header, start + sessionPrefix.length, end);
      if (hash) live.push(hash);
    } else if (tnuid === undefined && header.startsWith('sp=', start)) {
      const value = valueIn(header, start, end);
      if (isUuid(value)) tnuid = value;
    }
  }
  const id = choose(ids, host, rules);
  return { id, live: id !== undefined && live.includes(id.hash), tnuid };
}

const HASH = /^[\da-f]{4}$/;

function hashAt(header: string, start: number, end: number): string | undefined {
  const hash = header.slice(start, start + 4);
  return start + 4 < end && header[start + 4] === '=' && HASH.test(hash) ? hash : undefined;
}

function valueIn(header: string, start: number, end: number): string {
  const from = header.indexOf('=', start) + 1;
  if (end - from < SHORTEST_VALUE || end - from > LONGEST_VALUE) return '';
  const value = header.slice(from, end).trim();
  const bare = value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  return decode(bare);
}

// The cookie's fields, by their place.
const USER_ID = 0;
const VISITS = 2;
const SESSION_ID = 5;

/** One field, undefined where there are fewer; to split all of them costs several times as much. */
function fieldOf(value: string, place: number): string | undefined {
  let start = 0;
  for (let before = place; before > 0; before--) {
    start = value.indexOf('.', start) + 1;
    if (start === 0) return undefined;
  }
  const end = value.indexOf('.', start);
  return end < 0 ? value.slice(start) : value.slice(start, end);
}

// Six fields at least, of which the sixth is the session's id, and one of the two ids.
function idCookie(hash: string, value: string): IdCookie | undefined {
  const userId = fieldOf(value, USER_ID);
  const sessionId = fieldOf(value, SESSION_ID);
  const duid = isDomainUserId(userId) ? userId : undefined;
  const sid = isUuid(sessionId) ? sessionId : undefined;
  return sessionId !== undefined && (duid ?? sid) !== undefined ? { hash, value, duid, sid } : undefined;
}

const OLD_USER_ID = /^[\da-f]{16}$/;
/** A UUID, or the 16 hex digits that old browser trackers made. */
const isDomainUserId = (value: string | undefined): value is string =>
  value !== undefined && (isUuid(value) || OLD_USER_ID.test(value));

const DIGITS = /^\d{1,15}$/;
function wholeNumber(value: string | undefined, maximum: number): number | undefined {
  return value !== undefined && DIGITS.test(value) && Number(value) <= maximum ? Number(value) : undefined;
}
const int32 = (value: string | undefined): number | undefined => wholeNumber(value, 2_147_483_647);

/**
 * One cookie, never parts of two. With a domain or path configured only the cookie of that hash counts; else that of the
 * host, else of its parents (by default the browser tracker hashes the widest domain it can set a cookie on), else the first.
 */
function choose(
  ids: readonly IdCookie[],
  host: string | undefined,
  { cookieDomain, cookiePath }: IdCookieRules,
): IdCookie | undefined {
  const configured = cookieDomain !== undefined || cookiePath !== undefined;
  if (ids.length === 0 || (ids.length === 1 && !configured)) return ids[0];
  for (const domain of cookieDomain === undefined ? domainsOf(host ?? '') : [cookieDomain]) {
    const hash = hashOf(domain + (cookiePath ?? '/'));
    const id = ids.find((candidate) => candidate.hash === hash);
    if (id) return id;
  }
  return configured ? undefined : ids[0];
}

// A registrable domain has few labels; without a bound a host of 127 labels would cost as many hashes.
const MOST_PARENT_LABELS = 4;
const MAX_HOST = 255;

function domainsOf(host: string): readonly string[] {
  if (host.length > MAX_HOST) return [];
  // As the browser has it in location.hostname, and the browser tracker takes it.
  const name = host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
  const labels = name.split('.');
  const domains = [name];
  for (let start = Math.max(1, labels.length - MOST_PARENT_LABELS); start < labels.length - 1; start++)
    domains.push(labels.slice(start).join('.'));
  return domains;
}

const hashOf = memoise(500, (domainAndPath) => createHash('sha1').update(domainAndPath).digest('hex').slice(0, 4));
