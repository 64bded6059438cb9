// Canaries: marked strings in every input, searched for in every output that must not hold them.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AsyncEmitter, createTracker, Emitter, structEvent, Tracker } from '../../../src';
import { DiskEventStore } from '../../../src/disk';
import { answer, reset, type ScriptedCollector, startScriptedCollector } from '../../support/scripted-collector';
import { type App, frameworks } from './apps';
import { Ear } from './ear';
import { goTo } from '../../support/go-to';

const CANARY = 'c4n4ry';
const DUID = '6f1c2b7e-3a50-4d0e-9a51-0f4f6f7f1a11';
const SID = 'b8b2d1f0-6f0c-4c8f-8a3c-2f0b7c1d9e22';
const NETWORK = 'a1b2c3d4-e5f6-4789-8abc-def012345678';
const ADDRESS = '203.0.113.77';
const IDENTITY = [DUID, SID, NETWORK, ADDRESS, 'user-of-the-app'];
const COOKIE = `_sp_id.1fff=${DUID}.1700000000.3.1700000100..${SID}; _sp_ses.1fff=*; sp=${NETWORK}; session=${CANARY}`;

const request = (url: string): Promise<unknown> =>
  goTo(`${url}/page/${CANARY}?q=${CANARY}&token=${CANARY}-secret`, {
    cookie: COOKIE,
    'user-agent': `agent ${CANARY}`,
    'accept-language': `${CANARY}, en`,
    referer: `https://user:${CANARY}-secret@shop.test/${CANARY}?password=${CANARY}-secret#${CANARY}`,
    'x-forwarded-for': ADDRESS,
    'x-forwarded-proto': `http${CANARY}`,
    'x-forwarded-host': `${CANARY}.test`,
    authorization: `Bearer ${CANARY}-secret`,
    'x-odd': CANARY,
    [`x-${CANARY}`]: CANARY,
  });

describe.each(frameworks)('an app on %s', (_name, start) => {
  let ear: Ear;
  let collector: ScriptedCollector;
  let app: App | undefined;

  beforeEach(async () => {
    ear = new Ear();
    collector = await startScriptedCollector();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await app?.close();
    await collector.close();
  });

  it('T12: writes nothing of a request, of an event or of a credential into its log, whatever goes wrong', async () => {
    collector.next(answer(503), reset(), answer(404), answer(302, { location: `http://${CANARY}.test/` }), answer(401));
    const fail = (): never => {
      throw new Error(CANARY);
    };
    const circular: Record<string, unknown> = { schema: `iglu:com.acme/${CANARY}/jsonschema/1-0-0`, name: CANARY };
    circular['self'] = circular;
    const tracker = createTracker({
      endpoint: collector.url,
      contracts: 'log',
      logger: ear.logger,
      onDrop: fail,
      emitter: {
        headers: { authorization: `Basic ${CANARY}` },
        onDrop: fail,
        onFailure: fail,
        onSuccess: fail,
        bufferCapacity: 20,
        maxRetryDelayMs: 20,
        batchSize: 1,
        maxPostBytes: 4_000,
      },
    });
    app = await start(
      {
        tracker,
        pageViews: fail,
        entities: fail,
        subject: fail,
        redactUrl: fail,
        headers: ['x-odd'],
        clientSession: true,
        response: true,
      },
      (own) => {
        own.trackStructEvent({ category: CANARY, action: CANARY });
        own.trackStructEvent({ category: '', action: CANARY, label: CANARY });
        own.trackPageView({ pageUrl: 42 as never, pageTitle: CANARY });
        own.trackSelfDescribingEvent({ event: { schema: CANARY, data: { a: CANARY } } });
        own.trackSelfDescribingEvent({ event: { schema: 'iglu:com.acme/a/jsonschema/1-0-0', data: circular } });
        own.trackSelfDescribingEvent({
          event: { schema: 'iglu:com.acme/a/jsonschema/1-0-0', data: { a: CANARY.repeat(20_000) } },
        });
        own.subject.setUserId(CANARY.repeat(100)).setIpAddress(CANARY);
      },
    );
    for (let visit = 0; visit < 8; visit++) await request(app.url);
    await collector.requested(7);
    await tracker.close();
    tracker.trackStructEvent({ category: CANARY, action: CANARY });
    for (const line of ['threw', 'dropped: rejected', 'refused: unserializable', 'a broken contract', 'a redirect'])
      expect(ear.heard).toContain(line);
    expect(ear.heard).not.toContain(CANARY);
    for (const identity of IDENTITY) expect(ear.heard).not.toContain(identity);
  });

  it('T10, T21: lets nothing of a request into the target, the host or the headers of what it sends', async () => {
    const tracker = createTracker({ endpoint: collector.url, namespace: 'web', logger: false });
    app = await start(
      { tracker, headers: ['x-odd'] },
      (own) => void own.trackStructEvent({ category: CANARY, action: 'a' }),
    );
    for (let visit = 0; visit < 3; visit++) await request(app.url);
    await tracker.close();
    for (const { head, target, headers } of collector.requests) {
      expect(target).toBe('/com.snowplowanalytics.snowplow/tp2');
      expect(headers['host']).toBe(`127.0.0.1:${collector.port}`);
      expect(head).not.toContain(CANARY);
    }
    const bodies = collector.requests.map(({ body }) => body.toString()).join('\n');
    expect(bodies, 'what is asked for does go').toContain(`agent ${CANARY}`);
    expect(bodies, 'credentials in URLs do not').not.toContain(`${CANARY}-secret`);
  });

  it('T20: sends nothing that tells who an anonymous visitor is, and says so to the collector', async () => {
    const tracker = createTracker({ endpoint: collector.url, logger: false, encodeBase64: false });
    const options = {
      tracker,
      clientSession: true,
      anonymous: true,
      pageViews: true,
      subject: (_req: unknown, subject: { setUserId(id: string): unknown }) =>
        void subject.setUserId('user-of-the-app'),
    };
    app = await start(options, (own) => void own.trackStructEvent({ category: 'a', action: 'a' }));
    for (let visit = 0; visit < 3; visit++) await request(app.url);
    await tracker.close();
    expect(collector.taken.size).toBe(6);
    for (const { head, body, headers } of collector.requests) {
      expect(headers['sp-anonymous']).toBe('*');
      for (const identity of IDENTITY) expect(`${head}${body.toString()}`).not.toContain(identity);
    }
  });

  it('T5: keeps no full address anywhere when addresses are masked, not even on its own disk', async () => {
    const path = mkdtempSync(join(tmpdir(), 'canary-'));
    const store = new DiskEventStore({ path });
    collector.next(...Array.from({ length: 100 }, () => answer(503)));
    const emitter = new AsyncEmitter({ endpoint: collector.url, eventStore: store, logger: false });
    const tracker = new Tracker({ emitters: emitter, logger: false });
    app = await start({ tracker, maskIp: true }, (own) => void own.trackStructEvent({ category: 'a', action: 'a' }));
    for (let visit = 0; visit < 5; visit++) await request(app.url);
    await emitter.close({ timeoutMs: 100 });
    const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
    const bytes = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'));
    expect(bytes.join('')).toContain('203.0.113.0');
    expect(bytes.join('')).not.toContain(ADDRESS);
    rmSync(path, { recursive: true, force: true });
  });
});

it.each([
  ['a credential in the endpoint', () => new Emitter(`https://user:${CANARY}@collector.test`)],
  ['a credential in an endpoint that is none', () => new Emitter(`https://user:${CANARY}@coll ector.test:x`)],
  ['a query in the endpoint', () => new Emitter(`https://collector.test/?key=${CANARY}`)],
  ['a header of two lines', () => new Emitter({ endpoint: 'collector.test', headers: { a: `b\r\nx: ${CANARY}` } })],
  ['a header with a NUL', () => new Emitter({ endpoint: 'collector.test', headers: { a: `${CANARY}\0` } })],
  ['a header of the transport', () => new Emitter({ endpoint: 'collector.test', headers: { host: CANARY } })],
])('T10, T12: %s is refused by a message that does not repeat it', (_what, make) => {
  const message = ((): string => {
    try {
      make();
      return 'nothing was thrown';
    } catch (error) {
      return `${(error as Error).message} ${JSON.stringify(error)}`;
    }
  })();
  expect(message).toContain('must be');
  expect(message).not.toContain(CANARY);
});

it('T12: a breach in mode throw names what came only as far as the caller gave it', () => {
  const tracker = new Tracker({ emitters: { input: () => {} }, logger: false });
  const secret = { password: CANARY };
  expect(() => tracker.track(structEvent({ category: secret as never, action: 'a' }))).toThrow(/got an object/);
});
