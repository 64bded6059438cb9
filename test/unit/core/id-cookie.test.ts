// The browser tracker's cookies as they arrive in requests: real ones, several at once, and hostile ones.
import { createHash } from 'node:crypto';
import Ajv from 'ajv-draft-04';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IdCookieRules, readClientSession, readVisitor } from '../../../src/core/request/id-cookie';

const DUID = '8e1f0a6e-6a0c-4f5e-9d0e-2b7c3c1d4e5f';
const SID = '1c9b7d34-2f11-4a57-8a86-0b1e2d3c4f5a';
const PREVIOUS = '5b3f2c1d-7e6a-4d9b-b0a1-c2d3e4f5a6b7';
const FIRST = '0f1e2d3c-4b5a-4697-8877-665544332211';
const NETWORK = 'a1b2c3d4-e5f6-4789-8abc-def012345678';
const VALUE = `${DUID}.1700000000.7.1700000900.1699990000.${SID}.${PREVIOUS}.${FIRST}.1700000000123.12`;
const HOST = 'shop.acme.com';
const RULES: IdCookieRules = { cookieName: '_sp_', cookieDomain: undefined, cookiePath: undefined };
const NOTHING = { duid: undefined, sid: undefined, vid: undefined, tnuid: undefined };

const hashOf = (text: string): string => createHash('sha1').update(text).digest('hex').slice(0, 4);
const cookieOf = (hash: string, value: string, live = true): string =>
  `_sp_id.${hash}=${value}${live ? `; _sp_ses.${hash}=*` : ''}`;
/** Without the session's fields, which only the entity is made from. */
const idsOf = (...args: Parameters<typeof readVisitor>) => {
  const { duid, sid, vid, tnuid } = readVisitor(...args);
  return { duid, sid, vid, tnuid };
};
const read = (header: string, rules: Partial<IdCookieRules> = {}) => idsOf(header, HOST, { ...RULES, ...rules });

describe('readVisitor', () => {
  it('reads user, session and session index from the cookie of a live session among other cookies', () => {
    expect(read(`theme=dark; ${cookieOf('1fff', VALUE)}; sp=${NETWORK}; _ga=GA1.2.3`)).toEqual({
      duid: DUID,
      sid: SID,
      vid: '7',
      tnuid: NETWORK,
    });
  });

  it('reads the six fields that older browser trackers write, and their sixteen hex digits of a user id', () => {
    const value = `0123456789abcdef.1700000000.7.1700000900..${SID}`;
    expect(read(cookieOf('1fff', value))).toMatchObject({ duid: '0123456789abcdef', sid: SID, vid: '7' });
  });

  it('keeps the user but no stale session if the session cookie has expired', () => {
    expect(read(cookieOf('1fff', VALUE, false))).toEqual({ ...NOTHING, duid: DUID });
    expect(read(`${cookieOf('1fff', VALUE, false)}; _sp_ses.2eee=*`)).toEqual({ ...NOTHING, duid: DUID });
  });

  it('reads the session of a browser that tracks anonymously and so keeps no user id', () => {
    expect(read(cookieOf('1fff', VALUE.slice(DUID.length)))).toEqual({ ...NOTHING, sid: SID, vid: '7' });
  });

  it.each([
    ['a script as user id', `<script>.1.7.1.1.${SID}`, { sid: SID, vid: '7' }],
    ['the text undefined', 'undefined.1.undefined.1.1.undefined', {}],
    [
      'a session id that is no UUID, which the pipeline refuses',
      `${DUID}.1.7.1.1.s8091074-4f5e`,
      { duid: DUID, vid: '7' },
    ],
    ['a session index above 32 bits', `${DUID}.1.2147483648.1.1.${SID}`, { duid: DUID, sid: SID }],
    ['a negative session index', `${DUID}.1.-7.1.1.${SID}`, { duid: DUID, sid: SID }],
    ['a session index in exponent form', `${DUID}.1.1e3.1.1.${SID}`, { duid: DUID, sid: SID }],
    ['a leading zero in the session index', `${DUID}.1.007.1.1.${SID}`, { duid: DUID, sid: SID, vid: '7' }],
    ['too few fields', `${DUID}.1.7.1.1`, {}],
    ['no dots', DUID, {}],
    ['an empty value', '', {}],
    ['a value of kilobytes', `${VALUE}.${'9'.repeat(4000)}`, {}],
    ['a percent sign that starts no escape', `${DUID}.1.7.1.1.${SID}.%E0%A4%A`, { duid: DUID, sid: SID, vid: '7' }],
    ['an escaped value', encodeURIComponent(VALUE).replaceAll('.', '%2E'), { duid: DUID, sid: SID, vid: '7' }],
    ['a quoted value', `"${VALUE}"`, { duid: DUID, sid: SID, vid: '7' }],
  ])('leaves out each field that a garbled cookie makes unusable: %s', (_, value, expected) => {
    expect(read(cookieOf('1fff', value))).toEqual({ ...NOTHING, ...expected });
  });

  it('takes only a UUID as the network user id, as the collector refuses any other', () => {
    expect(read('sp=alice').tnuid).toBeUndefined();
    expect(read(`xsp=${NETWORK}; sp.x=${NETWORK}; sp =${NETWORK}`).tnuid).toBeUndefined();
    expect(read(`sp=${'<'.repeat(36)}; sp=${NETWORK}; sp=${SID}`).tnuid).toBe(NETWORK);
  });

  it('takes no cookie whose name only begins like one of them', () => {
    expect(read(`_sp_id.1fffx=${VALUE}; _sp_id.1ff=${VALUE}; _sp_id=${VALUE}; x_sp_id.1fff=${VALUE}`)).toEqual(NOTHING);
  });

  it('does not let cookies named like object members pollute a prototype', () => {
    read(`__proto__=1; constructor=2; _sp_id.__proto__=${VALUE}; _sp_id.prototype=${VALUE}; _sp_ses.__proto__=*`);
    expect(({} as { x?: unknown }).x).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('finds the cookies under a configured name, and only there', () => {
    expect(read(cookieOf('1fff', VALUE).replaceAll('_sp_', 'tea_'), { cookieName: 'tea_' }).sid).toBe(SID);
    expect(read(cookieOf('1fff', VALUE), { cookieName: 'tea_' })).toEqual(NOTHING);
    expect(read(cookieOf('1fff', VALUE).replaceAll('_sp_', 'a(b*'), { cookieName: 'a(b*' }).sid).toBe(SID);
  });

  it('reads the first 16 KiB of a longer header, and no cookie that crosses this limit', () => {
    const filler = `x=${'y'.repeat(16_000)}`;
    expect(read(`${cookieOf('1fff', VALUE)}; ${filler}; ${filler}`).duid).toBe(DUID);
    expect(read(`${filler}; ${filler}; ${cookieOf('1fff', VALUE)}`)).toEqual(NOTHING);
    const untilBound = `x=${'y'.repeat(16_384 - 2 - 2 - '_sp_id.1fff='.length - VALUE.length + 1)}`;
    expect(read(`${untilBound}; _sp_id.1fff=${VALUE}; z=1`)).toEqual(NOTHING);
  });
});

describe('one of several cookies', () => {
  const other = VALUE.replace(DUID, PREVIOUS).replace(SID, FIRST);
  const mine = { ...NOTHING, duid: DUID, sid: SID, vid: '7' };

  it('hashes as the browser tracker does: 1fff is the hash of localhost', () => {
    expect(idsOf(`${cookieOf('2eee', other)}; ${cookieOf('1fff', VALUE)}`, 'localhost:3000', RULES)).toEqual(mine);
  });

  it.each(['shop.acme.com', 'SHOP.acme.com:8443', 'shop.acme.com.'])(
    'prefers the cookie of the host, here %s',
    (host) => {
      const header = `${cookieOf('0000', other)}; ${cookieOf(hashOf('acme.com/'), other)}; ${cookieOf(hashOf('shop.acme.com/'), VALUE)}`;
      expect(idsOf(header, host, RULES)).toEqual(mine);
    },
  );

  it('else prefers the cookie of the parent domain, where the browser tracker puts it by default', () => {
    const header = `${cookieOf('0000', other)}; ${cookieOf(hashOf('acme.com/'), VALUE)}`;
    expect(idsOf(header, 'a.b.c.d.e.f.shop.acme.com', RULES)).toEqual(mine);
  });

  it('else takes the first well-formed one, with or without a host', () => {
    const header = `_sp_id.0000=garbage; ${cookieOf('1111', VALUE)}; ${cookieOf('2222', other)}`;
    expect(read(header)).toEqual(mine);
    expect(idsOf(header, undefined, RULES)).toEqual(mine);
  });

  it('takes only the cookie of a configured domain and path, even where it is the only one', () => {
    const header = `${cookieOf(hashOf('shop.acme.com/'), other)}; ${cookieOf(hashOf('.acme.com/tea'), VALUE)}`;
    expect(read(header, { cookieDomain: '.acme.com', cookiePath: '/tea' })).toEqual(mine);
    expect(read(cookieOf(hashOf('acme.com/'), VALUE), { cookieDomain: 'acme.com' })).toEqual(mine);
    expect(read(cookieOf(hashOf('shop.acme.com/tea'), VALUE), { cookiePath: '/tea' })).toEqual(mine);
    expect(read(cookieOf('1fff', other), { cookieDomain: 'acme.com' })).toEqual(NOTHING);
  });

  it('never mixes the fields of two cookies, whatever each of them lacks', () => {
    const id = fc.record({
      hash: fc.constantFrom('0000', '1fff', hashOf('shop.acme.com/'), hashOf('acme.com/')),
      duid: fc.oneof(fc.uuid(), fc.constantFrom('', 'junk')),
      sid: fc.oneof(fc.uuid(), fc.constantFrom('', 'junk')),
      vid: fc.oneof(fc.nat().map(String), fc.constantFrom('', 'x')),
      live: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(id, { maxLength: 5 }), (ids) => {
        const header = ids.map((c) => cookieOf(c.hash, `${c.duid}.1.${c.vid}.1.1.${c.sid}`, c.live)).join('; ');
        const { duid, sid, vid } = read(header);
        const agrees = (found: string | undefined, own: string) => found === undefined || found === own;
        const none = duid === undefined && sid === undefined && vid === undefined;
        expect(none || ids.some((c) => agrees(duid, c.duid) && agrees(sid, c.sid) && agrees(vid, c.vid))).toBe(true);
      }),
    );
  });
});

describe('readClientSession', () => {
  it('gives the entity that the browser tracker attaches', () => {
    expect(readClientSession(cookieOf('1fff', VALUE), HOST, RULES)).toEqual({
      schema: 'iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2',
      data: {
        userId: DUID,
        sessionId: SID,
        sessionIndex: 7,
        eventIndex: 12,
        previousSessionId: PREVIOUS,
        firstEventId: FIRST,
        firstEventTimestamp: '2023-11-14T22:13:20.123Z',
        storageMechanism: 'COOKIE_1',
      },
    });
  });

  it('converts values to what the schema requires: lower case, years of four digits', () => {
    const value = VALUE.replace(DUID, DUID.toUpperCase()).replace('1700000000123', '999999999999999');
    const data = readClientSession(cookieOf('1fff', value), HOST, RULES)?.data;
    expect(data).toMatchObject({ userId: DUID });
    expect(data).not.toHaveProperty('firstEventTimestamp');
  });

  it('gives the nil user for a browser that tracks anonymously', () => {
    const header = cookieOf('1fff', `.1700000000.7.1700000900..${SID}..${FIRST}.1700000000123.12`);
    expect(readClientSession(header, HOST, RULES)?.data).toMatchObject({
      userId: '00000000-0000-0000-0000-000000000000',
    });
  });

  it.each([
    ['is over', cookieOf('1fff', VALUE, false)],
    ['has a user id the schema refuses', cookieOf('1fff', VALUE.replace(DUID, 'undefined'))],
    ['has no session id', cookieOf('1fff', VALUE.replace(SID, ''))],
    ['has no index', cookieOf('1fff', VALUE.replace('.7.', '..'))],
    ['is not there', 'theme=dark'],
  ])('gives nothing for a session that %s, as one bad entity sinks its event', (_, header) => {
    expect(readClientSession(header, HOST, RULES)).toBeUndefined();
  });

  it('returns only what the schema accepts, whatever the cookie holds', () => {
    // The requirements of client_session/1-0-2, in short.
    const uuid = { type: 'string', pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' };
    const int32 = { type: 'integer', minimum: 0, maximum: 2_147_483_647 };
    const accepts = new Ajv().compile({
      type: 'object',
      properties: {
        userId: { type: 'string', pattern: '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$|^[0-9a-f]{16}$' },
        sessionId: uuid,
        sessionIndex: int32,
        eventIndex: int32,
        previousSessionId: uuid,
        firstEventId: uuid,
        firstEventTimestamp: { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' },
        storageMechanism: { enum: ['COOKIE_1'] },
      },
      required: ['userId', 'sessionId', 'sessionIndex', 'storageMechanism'],
      additionalProperties: false,
    });
    const field = fc.oneof(
      { weight: 3, arbitrary: fc.uuid() },
      fc.uuid().map((id) => id.toUpperCase()),
      fc.nat().map(String),
      fc.bigInt({ min: 0n, max: 10n ** 16n }).map(String),
      fc.constantFrom('', 'undefined', '-1', '1e3', '0123456789abcdef'),
      fc.string({ maxLength: 8 }),
    );
    const index = fc.oneof(fc.nat().map(String), field);
    let given = 0;
    fc.assert(
      fc.property(fc.tuple(fc.uuid(), field, index, field, field, fc.uuid(), field, field, field, field), (fields) => {
        const entity = readClientSession(cookieOf('1fff', fields.join('.')), HOST, RULES);
        if (entity) given++;
        expect(entity === undefined || accepts(entity.data), JSON.stringify(entity)).toBe(true);
      }),
    );
    expect(given).toBeGreaterThan(10);
  });
});

describe('any Cookie header', () => {
  it('gives usable fields or none, and never throws', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        '_sp_id.',
        '_sp_ses.',
        '_sp_',
        'sp=',
        '1fff',
        '=',
        ';',
        '; ',
        '"',
        '%',
        '%41',
        '.',
        DUID,
        SID,
        VALUE,
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const { duid, sid, vid, tnuid } = read(pieces.join(''));
        const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
        expect(duid ?? DUID).toMatch(/^[0-9a-f-]{16,36}$/i);
        expect(sid ?? SID).toMatch(uuid);
        expect(tnuid ?? SID).toMatch(uuid);
        expect(Number(vid ?? 0)).toBeLessThanOrEqual(2_147_483_647);
        expect(vid ?? '0').toMatch(/^\d+$/);
      }),
      { numRuns: 200 },
    );
  });
});
