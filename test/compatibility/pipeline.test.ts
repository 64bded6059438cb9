// Verdicts of Enrich 3.9 itself, recorded with its validator, beside the collector's: requests, URLs and values of a schema.
// schemas.jsonl is what validates in the schemas that they name, those of Iglu Central among them (Apache License 2.0).
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { SCHEMA } from '../unit/collector/requests';

/** A long text by its runs: `['a', ['x', 1000]]`. */
type Text = string | { $runs: (string | [unit: string, times: number])[] };

/** A page view with `fields` laid over it and `without` taken out, or a whole request, as it differs from a usual one. */
interface Recorded {
  name: string;
  fields?: Record<string, unknown>;
  without?: string[];
  request?: { method: string; path?: string; query?: Text; headers?: Record<string, string>; body?: Text };
  /** How many events come out; 1 when it is not said. */
  good?: number;
  /** The bad row; `EXCEPTION` where the pipeline threw and lost the whole request. */
  bad?: string;
}

const lines = (file: string): string[] =>
  readFileSync(join(__dirname, file), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
const requests = lines('requests.jsonl').map((line) => JSON.parse(line) as Recorded);
const urls = lines('urls.jsonl').map((line) => JSON.parse(line) as [key: 'url' | 'refr', url: string, good: boolean]);
// A value stays as it is written: 1e+21 is another number there than its digits.
const values = lines('values.jsonl').map((line) => {
  const [, property = '', value = '', good = ''] = /^\["(\w+)",(.*),(true|false)\]$/s.exec(line)!;
  return { property, value, good: good === 'true' };
});

/** Where the collector differs, and why. Nothing else may, and each of these has to. */
const DIFFERENT: Readonly<Record<string, string>> = {
  'dtm="٣"': 'a number in digits of another script, which nobody sends on purpose',
  'GET dtm="٣"': 'as above',
  'GET stm="٣"': 'as above',
  'ttm="٣"': 'as above',
  'GET vid="１"': 'as above',
  'tid="１"': 'as above',
  'GET se_va="１"': 'as above',
  'path /com.snowplowanalytics.iglu/v1': 'a webhook, of which the collector has none',
  'int 1e+21': 'a whole number, but for the exponent; JSON.parse() hides how it was written',
};

/** What a collector refuses at its own door; recorded is what the code behind it makes of them: nothing good either. */
const NOT_TAKEN: ReadonlySet<string> = new Set(['path /i', 'GET path /r/tp2']);

const PAGE_VIEW = {
  e: 'pv',
  p: 'web',
  tv: 'x-1',
  aid: 'a',
  url: 'http://a.b/',
  eid: '3c0f2d54-7d55-4a0a-9d02-7b8a3b1c0d01',
  dtm: '1700000000000',
};
const TP2 = '/com.snowplowanalytics.snowplow/tp2';

let folder: string;
let collector: Collector;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'schemas-'));
  for (const line of lines('schemas.jsonl')) {
    const [path, schema] = JSON.parse(line) as [string, object];
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), JSON.stringify(schema));
  }
  collector = await startCollector({ iglu: [folder] });
});
beforeEach(() => collector.reset());
afterAll(async () => {
  await collector.close();
  rmSync(folder, { recursive: true });
});

const isText = (value: unknown): value is Text =>
  typeof value === 'string' || Object.hasOwn(Object(value) as object, '$runs');
const textOf = (text: Text): string =>
  typeof text === 'string'
    ? text
    : text.$runs.map((run) => (typeof run === 'string' ? run : run[0].repeat(run[1]))).join('');

function requestOf({ fields = {}, without = [], request = { method: 'POST' } }: Recorded) {
  const own = Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, isText(value) ? textOf(value) : value]),
  );
  const event = Object.entries({ ...PAGE_VIEW, ...own }).filter(([key]) => !without.includes(key));
  const { method, path = TP2, query = '', headers, body } = request;
  const target = query === '' ? path : `${path}?${textOf(query)}`;
  const json = method === 'POST' ? { 'content-type': 'application/json; charset=utf-8' } : {};
  return {
    method,
    path: target,
    headers: headers ?? { ...json, 'user-agent': 'UA', host: 'c.test' },
    body: body === undefined ? bodyOf([Object.fromEntries(event)]) : textOf(body),
  };
}

const bodyOf = (events: readonly object[]): string => JSON.stringify({ schema: SCHEMA, data: events });

// node:http rather than fetch, which would correct or refuse what some of these hold.
function send({ method, path, headers, body }: ReturnType<typeof requestOf>): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest(`${collector.url}/`, { path, method, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode!));
    })
      .on('error', reject)
      .end(method === 'POST' ? body : undefined);
  });
}

/** What the collector has to say: as recorded, in the words of Enrich 6, which has another bad row for faults of fields. */
function expectedOf({ name, good = 1, bad }: Recorded) {
  if (NOT_TAKEN.has(name)) return { good: 0, bad: undefined };
  if (bad === 'EXCEPTION') return { good, bad: 'generic_error' };
  return {
    good,
    bad: bad === 'enrichment_failures' ? expect.stringMatching(/^(enrichment_failures|schema_violations)$/) : bad,
  };
}

describe('requests', () => {
  it.each(requests)('$name', async (one) => {
    expect(await send(requestOf(one))).toBe(NOT_TAKEN.has(one.name) ? 404 : 200);
    const said = { good: collector.good().length, bad: collector.bad()[0]?.errors[0]!.type };
    const expected = expectedOf(one);
    if (Object.hasOwn(DIFFERENT, one.name)) expect(said).not.toEqual(expected);
    else expect(said).toEqual(expected);
  });
});

const CHUNK = 100;
const chunks = <Item>(all: readonly Item[]): { from: number; items: Item[] }[] =>
  Array.from({ length: Math.ceil(all.length / CHUNK) }, (_, n) => ({
    from: n * CHUNK,
    items: all.slice(n * CHUNK, (n + 1) * CHUNK),
  }));

/** Sends many events at once, and tells which of them are good. */
async function areGood(fields: readonly Record<string, string>[]): Promise<boolean[]> {
  const eidOf = (index: number): string => `${PAGE_VIEW.eid.slice(0, -4)}${String(index).padStart(4, '0')}`;
  const body = bodyOf(fields.map((own, index) => ({ ...PAGE_VIEW, ...own, eid: eidOf(index) })));
  expect(await send({ method: 'POST', path: TP2, headers: { 'content-type': 'application/json' }, body })).toBe(200);
  expect(collector.good().length + collector.bad().length, 'events judged').toBe(fields.length);
  const good = new Set(collector.good().map(({ id }) => id));
  return fields.map((_, index) => good.has(eidOf(index)));
}

describe('URLs', () => {
  it.each(chunks(urls))('from $from', async ({ items }) => {
    const good = await areGood(items.map(([key, url]) => ({ [key]: url })));
    expect(items.map(([key, url], index) => [key, url, good[index]])).toEqual(items);
  });
});

describe('values of a schema', () => {
  it.each(chunks(values))('from $from', async ({ items }) => {
    const event = 'iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0';
    const good = await areGood(
      items.map(({ property, value }) => ({
        e: 'ue',
        ue_pr: `{"schema":"${event}","data":{"schema":"iglu:com.acme/formats/jsonschema/1-0-1","data":{"${property}":${value}}}}`,
      })),
    );
    const said = items.map(({ property, value, good: recorded }, index) => {
      const isDifferent = Object.hasOwn(DIFFERENT, `${property} ${value}`);
      return { property, value, good: isDifferent ? recorded === good[index] : good[index] };
    });
    expect(said).toEqual(
      items.map((one) => (Object.hasOwn(DIFFERENT, `${one.property} ${one.value}`) ? { ...one, good: false } : one)),
    );
  });
});

it('holds all that was recorded, and a short list of what differs', () => {
  expect([requests.length, urls.length, values.length]).toEqual([938, 2_455, 271]);
  const names = new Set([
    ...requests.map(({ name }) => name),
    ...values.map(({ property, value }) => `${property} ${value}`),
  ]);
  expect(Object.keys(DIFFERENT).filter((name) => !names.has(name))).toEqual([]);
  expect(Object.keys(DIFFERENT).length).toBeLessThanOrEqual(15);
});
