// Runs the corpus of verdicts: sends each case to a real collector, and compares its verdict with the file.
import { readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { pageView, SCHEMA } from '../../../unit/collector/requests';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A case: either `fields` laid over a good page view (null takes a key out), or a whole `request`. */
interface Case {
  name: string;
  fields?: Record<string, Json>;
  headers?: Record<string, string>;
  request?: { method: string; path: string; headers: Record<string, string>; body?: Json };
  /** Good events expected; by default one when `bad` is absent, else none. */
  good?: number;
  /** Scope, bad row, field and rule of every failure, in order. */
  bad?: [scope: string, type: string, field: string, rule: string][];
  /** Field and rule of every warning, in order. */
  warnings?: [field: string, rule: string][];
}

// What a file cannot say plainly: long texts, encodings, times near now, deep nesting.
const MAKERS: Record<string, (argument: Json) => Json> = {
  $repeat: (argument) => {
    const [text, times] = argument as [string, number];
    return text.repeat(times);
  },
  $join: (argument) => (argument as string[]).join(''),
  $base64: (argument) => Buffer.from(JSON.stringify(argument)).toString('base64url'),
  $base64std: (argument) => Buffer.from(JSON.stringify(argument)).toString('base64'),
  $json: (argument) => JSON.stringify(argument),
  $now: (argument) => String(Date.now() + (argument as number)),
  $nest: (argument) => {
    let value: Json = 1;
    for (let level = 0; level < (argument as number); level++) value = [value];
    return value;
  },
};

function make(value: Json): Json {
  if (Array.isArray(value)) return value.map(make);
  if (typeof value !== 'object' || value === null) return value;
  const [[key, argument] = ['', null]] = Object.entries(value);
  if (Object.hasOwn(MAKERS, key)) return MAKERS[key]!(make(argument));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, make(item)]));
}

let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
});
afterEach(() => collector.reset());
afterAll(() => collector.close());

// node:http rather than fetch, which would correct or refuse what these cases are about.
function send({ method, path, headers, body = '' }: NonNullable<Case['request']>): Promise<number> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    httpRequest(`${collector.url}/`, { path, method, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode!));
    })
      .on('error', reject)
      .end(method === 'POST' ? text : undefined);
  });
}

function requestOf({ fields = {}, headers, request }: Case): NonNullable<Case['request']> {
  if (request) return make(request as Json) as unknown as NonNullable<Case['request']>;
  const event = Object.entries({ ...pageView(), ...(make(fields) as object) }).filter(([, value]) => value !== null);
  return {
    method: 'POST',
    path: '/com.snowplowanalytics.snowplow/tp2',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ schema: SCHEMA, data: [Object.fromEntries(event)] }),
  };
}

const files = readdirSync(__dirname).filter((file) => file.endsWith('.json'));

describe.each(files)('%s', (file) => {
  const cases = JSON.parse(readFileSync(join(__dirname, file), 'utf8')) as Case[];
  it.each(cases)('$name', async (one) => {
    expect(await send(requestOf(one))).toBe(200);
    const events = [...collector.good(), ...collector.bad()];
    expect({
      good: collector.good().length,
      bad: events.flatMap(({ errors }) => errors.map(({ scope, type, field, rule }) => [scope, type, field, rule])),
      warnings: events.flatMap(({ warnings }) => warnings.map(({ field, rule }) => [field, rule])),
    }).toEqual({ good: one.good ?? (one.bad ? 0 : 1), bad: one.bad ?? [], warnings: one.warnings ?? [] });
  });
});

it('names each of its cases once', () => {
  const names = files.flatMap((file) =>
    (JSON.parse(readFileSync(join(__dirname, file), 'utf8')) as Case[]).map(({ name }) => name),
  );
  expect(names.length - new Set(names).size).toBe(0);
});
