// Events and contexts against their schemas, from folders and from registries.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { copyBuiltPackage } from '../../support/built-package';
import { contexts, encode, pageView, post, unstruct } from './requests';

const BUY = 'iglu:com.acme/buy/jsonschema/1-0-0';
const SCHEMA = {
  $schema: 'http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#',
  self: { vendor: 'com.acme', name: 'buy', format: 'jsonschema', version: '1-0-0' },
  type: 'object',
  properties: {
    price: { type: 'number', minimum: 0, exclusiveMinimum: true },
    when: { type: 'string', format: 'date-time' },
    items: { type: 'array', items: { type: 'object', properties: { id: { type: 'string' } } } },
    size: { enum: ['s', 'm'] },
  },
  required: ['price'],
  additionalProperties: false,
};

let folder: string;
let collector: Collector | undefined;
let registry: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iglu-'));
});
afterEach(async () => {
  await collector?.close();
  registry?.closeAllConnections();
  registry?.close();
  rmSync(folder, { recursive: true });
});

function publish(path: string, schema: unknown = SCHEMA): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof schema === 'string' ? schema : JSON.stringify(schema));
}

async function judge(data: unknown, schema = BUY): Promise<[string, string, string][]> {
  await post(collector!.url, [pageView({ e: 'ue', ue_px: encode(unstruct(schema, data)) })]);
  const [last] = [...collector!.good(), ...collector!.bad()];
  const failures = last!.errors.map(({ field, rule, problem }): [string, string, string] => [field, rule, problem]);
  collector!.reset();
  return failures;
}

async function serve(
  answer: (path: string) => [status: number, body: string],
): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  registry = createServer((request, response) => {
    asked.push(request.url!);
    const [status, body] = answer(request.url!);
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => {
    registry!.listen(0, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${(registry.address() as AddressInfo).port}`, asked };
}

it.each([
  'com.acme/buy/jsonschema/1-0-0',
  'schemas/com.acme/buy/jsonschema/1-0-0',
  'com.acme/buy/jsonschema/1-0-0.json',
])('finds %s in a folder', async (path) => {
  publish(path);
  collector = await startCollector({ iglu: [folder] });
  expect(await judge({ price: 1 })).toEqual([]);
  expect(await judge({ price: '1' })).toEqual([['event.data.price', 'schema-type', 'is a string, but must be number']]);
});

it('names the path of every failure, in draft-04 terms', async () => {
  publish('com.acme/buy/jsonschema/1-0-0');
  collector = await startCollector({ iglu: [folder] });
  expect(await judge({ price: 0, when: 'yesterday', items: [{ id: 'a' }, { id: 2 }], size: 'xl', more: 1 })).toEqual([
    [
      'event.data.more',
      'schema-additionalProperties',
      'is not a property of the schema, which has price, when, items, size',
    ],
    ['event.data.price', 'schema-minimum', 'must be > 0'],
    ['event.data.when', 'schema-format', 'is not a valid date-time'],
    ['event.data.items[1].id', 'schema-type', 'is a number, but must be string'],
    ['event.data.size', 'schema-enum', 'is not one of ["s","m"]'],
  ]);
  expect(await judge({})).toEqual([['event.data.price', 'schema-required', 'is missing']]);
});

it('treats an event with one bad context as bad', async () => {
  publish('com.acme/buy/jsonschema/1-0-0');
  collector = await startCollector({ iglu: [folder] });
  const cx = encode(contexts({ schema: BUY, data: { price: 1 } }, { schema: BUY, data: { price: -1 } }));
  await post(collector.url, [pageView({ cx })]);
  expect(collector.bad()[0]!.errors.map(({ field }) => field)).toEqual(['context[1].data.price']);
});

it('treats an event as bad if its schema is unknown, malformed, or a suspicious path', async () => {
  publish('com.acme/broken/jsonschema/1-0-0', '{');
  publish('com.acme/wrong/jsonschema/1-0-0', { type: 'nonsense' });
  publish('secret/jsonschema/1-0-0', {});
  mkdirSync(join(folder, 'inner'));
  collector = await startCollector({ iglu: [join(folder, 'inner'), folder] });
  const rules = async (schema: string) => (await judge({}, schema)).map(([, rule]) => rule);
  expect(await rules('iglu:com.acme/none/jsonschema/1-0-0')).toEqual(['schema-not-found']);
  expect(await rules('iglu:com.acme/broken/jsonschema/1-0-0')).toEqual(['broken-schema']);
  expect(await rules('iglu:com.acme/wrong/jsonschema/1-0-0')).toEqual(['broken-schema']);
  expect(await rules('iglu:../secret/jsonschema/1-0-0')).toEqual(['schema-not-found']);
});

it('names the folders it looked in, and the schema there that is nearest by vendor, name and version', async () => {
  publish('com.acme/buy/jsonschema/1-0-0');
  publish('com.acme/buy/jsonschema/1-0-1.json');
  publish('schemas/org.acme.shop/basket_filled/jsonschema/2-0-0');
  collector = await startCollector({ iglu: [folder] });
  const hint = async (schema: string): Promise<string> => {
    await post(collector!.url, [pageView({ e: 'ue', ue_px: encode(unstruct(schema, {})) })]);
    const [error] = collector!.bad().at(-1)!.errors;
    expect([error!.field, error!.problem]).toEqual(['event.schema', `was not found in ${folder}`]);
    return error!.hint;
  };
  expect(await hint('iglu:com.acme/bui/jsonschema/1-0-0')).toBe(`Did you mean ${BUY}?`);
  expect(await hint('iglu:con.acme/Buy/jsonschema/2-0-0')).toBe('Did you mean iglu:com.acme/buy/jsonschema/1-0-1?');
  expect(await hint('iglu:org.acme.shop/basketFilled/jsonschema/2-0-0')).toBe(
    'Did you mean iglu:org.acme.shop/basket_filled/jsonschema/2-0-0?',
  );
  expect(await hint('iglu:com.acme/refund/jsonschema/1-0-0')).toBe(
    'Publish it, save it there as com.acme/refund/jsonschema/1-0-0, or correct its name and version.',
  );
});

it('writes the path of a fault as code, whatever its name', async () => {
  publish('com.acme/buy/jsonschema/1-0-0', { type: 'object', additionalProperties: { type: 'string' } });
  collector = await startCollector({ iglu: [folder] });
  expect((await judge({ 'a.b/c~d': 1 }))[0]![0]).toBe('event.data["a.b/c~d"]');
});

it('reads a schema anew when its file changes', async () => {
  publish('com.acme/buy/jsonschema/1-0-0');
  collector = await startCollector({ iglu: [folder] });
  expect(await judge({})).toHaveLength(1);
  publish('com.acme/buy/jsonschema/1-0-0', { type: 'object' });
  expect(await judge({})).toEqual([]);
});

it('asks a registry once for each schema, found or not', async () => {
  const { url, asked } = await serve((path) =>
    path === '/api/schemas/com.acme/buy/jsonschema/1-0-0' ? [200, JSON.stringify(SCHEMA)] : [404, '{}'],
  );
  collector = await startCollector({ iglu: [folder, `${url}/api/`] });
  expect(await judge({ price: 1 })).toEqual([]);
  expect(await judge({ price: 'x' })).toHaveLength(1);
  for (let i = 0; i < 2; i++)
    expect((await judge({}, 'iglu:com.acme/none/jsonschema/1-0-0'))[0]![1]).toBe('schema-not-found');
  expect(asked).toEqual(['/api/schemas/com.acme/buy/jsonschema/1-0-0', '/api/schemas/com.acme/none/jsonschema/1-0-0']);
});

it('reports a registry that is unreachable or floods it', async () => {
  const { url } = await serve(() => [200, ' '.repeat(1024 * 1024 + 1)]);
  collector = await startCollector({ iglu: [url] });
  expect((await judge({}))[0]![2]).toBe('could not be fetched: larger than 1048576 bytes');
  await collector.close();
  collector = await startCollector({ iglu: ['http://127.0.0.1:1'] });
  expect((await judge({}))[0]![2]).toMatch(/^could not be fetched: /);
});

it('leaves schemas unchecked without a source, and says which', async () => {
  collector = await startCollector();
  await post(collector.url, [pageView({ e: 'ue', ue_px: encode(unstruct(BUY, {})) })]);
  expect(collector.good()[0]!.unchecked).toEqual([BUY]);
});

it('refuses a source that is neither a folder nor a URL', async () => {
  await expect(startCollector({ iglu: ['/nowhere/at-all'] })).rejects.toThrow(
    'startCollector: iglu must be a list of existing folders and http(s) URLs, got "/nowhere/at-all"',
  );
});

it('leaves schemas unchecked and says what to install if Ajv is missing', () => {
  copyBuiltPackage(folder);
  const script = `
    const { startCollector } = require('./dist/collector');
    startCollector({ iglu: ['.'] }).then(async (collector) => {
      await fetch(collector.url + '/i?e=ue&p=web&tv=x&aid=x&ue_px=${encode(unstruct(BUY, {}))}');
      console.log(JSON.stringify(collector.good()[0].unchecked));
      await collector.close();
    });`;
  const run = spawnSync(process.execPath, ['-e', script], { cwd: folder, encoding: 'utf8' });
  expect(run.stdout.trim()).toBe(JSON.stringify([BUY]));
  expect(run.stderr).toContain('npm install --save-dev ajv ajv-draft-04 tlds');
});

describe("like the pipeline's validator", () => {
  const check = async (schema: object, value: string): Promise<boolean> => {
    publish('com.acme/buy/jsonschema/1-0-0', { type: 'object', properties: { value: schema } });
    collector = await startCollector({ iglu: [folder] });
    const ue_pr = JSON.stringify(unstruct(BUY, { value: 0 })).replace('"value":0', () => `"value":${value}`);
    await post(collector.url, [pageView({ e: 'ue', ue_pr })]);
    return collector.good().length === 1;
  };
  const text = JSON.stringify;

  it.each([
    [{ multipleOf: 0.01 }, '19.99', true],
    [{ multipleOf: 0.01 }, '19.999', false],
    [{ multipleOf: 1e-7 }, '3e-7', true],
    [{ multipleOf: 0.25 }, '-1e300', true],
    [{ multipleOf: 3 }, '1e22', false],
    [{ multipleOf: 0.01 }, '1e400', true],
    [{ pattern: '^\\d+$' }, text('12\n'), true],
    [{ pattern: '^\\d+$' }, text('12\r\n'), true],
    [{ pattern: '^\\d+$' }, text('12\n\n'), false],
    [{ pattern: '^[$]\\$$' }, text('$$'), true],
    [{ pattern: '^[$]\\$$' }, text('$$\nx'), false],
    [{ pattern: '(?i)^abc$' }, text('ABC'), true],
    [{ pattern: '^\\_\\:$' }, text('_:'), true],
    [{ pattern: '^.$' }, text('🫖'), true],
    [{ format: 'date-time' }, text('2016-12-31T23:59:60Z'), true],
    [{ format: 'date-time' }, text('2017-01-01T01:59:60+02:00'), true],
    [{ format: 'date-time' }, text('2016-12-30T23:59:60Z'), false],
    [{ format: 'date-time' }, text('2024-02-29T00:00:00+18:00'), true],
    [{ format: 'date-time' }, text('2024-02-29T00:00:00+18:01'), false],
    [{ format: 'date' }, text('1900-02-29'), false],
    [{ format: 'date' }, text('2000-02-29'), true],
    [{ format: 'email' }, text(`${'a'.repeat(64)}@shop.museum`), true],
    [{ format: 'email' }, text('anna@shop.рф'), true],
    [{ format: 'email' }, text('anna@shop.нетакого'), false],
    [{ format: 'email' }, text('anna@[::1]'), true],
    [{ format: 'email' }, text('anna@a%2Eb.com'), false],
    [{ format: 'uri' }, text(`https://a.example/${'a'.repeat(100_000)} `), false],
    [{ format: 'uri' }, text(`https://${'a'.repeat(300_000)} `), false],
    [{ format: 'email' }, text(`${'a.'.repeat(50_000)}@`), false],
  ] as const)('%j of %s is %s', async (schema, value, good) => {
    expect(await check(schema, value)).toBe(good);
  });
});
