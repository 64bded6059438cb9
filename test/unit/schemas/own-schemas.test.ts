// The schemas of the package's own entities: each one is shipped, valid, and met by the events that are sent.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative, sep } from 'node:path';
import Ajv from 'ajv-draft-04';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from 'snowplow-middleware/collector';
import { snowplow } from 'snowplow-middleware/express';

const ROOT = join(__dirname, '../../..');
const SCHEMAS = join(ROOT, 'schemas');

const filesOf = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const shipped = filesOf('schemas').map((file) => {
  const schema = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  return { path: relative(SCHEMAS, file).split(sep).join('/'), schema };
});

it('every schema of our own that code or documents name is shipped, and no other', () => {
  const texts = [...filesOf('src'), ...filesOf('docs'), join(ROOT, 'README.md')].map((file) =>
    readFileSync(file, 'utf8'),
  );
  const named = texts.flatMap((text) => [...text.matchAll(/iglu:(io\.github\.[\w./-]+)/g)].map(([, path]) => path));
  expect([...new Set(named)].sort()).toEqual(shipped.map(({ path }) => path).sort());
});

describe.each(shipped)('the schema $path', ({ path, schema }) => {
  const { $schema, self, description, ...rules } = schema;

  it('describes itself as what its path says', () => {
    const { vendor, name, format, version } = self as Record<string, string>;
    expect([vendor, name, format, version].join('/')).toBe(path);
    expect($schema).toBe('http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#');
    expect(description).toMatch(/^[A-Z].{20,}/);
  });

  it('is sound, refuses what it does not know, and bounds every text and number', () => {
    expect(() => new Ajv({ strict: true, allowUnionTypes: true }).compile(rules)).not.toThrow();
    expect(rules['additionalProperties']).toBe(false);
    const unbounded = Object.entries(rules['properties'] as Record<string, Record<string, unknown>>).filter(
      ([, rule]) => !('description' in rule && ('maxLength' in rule || ('minimum' in rule && 'maximum' in rule))),
    );
    expect(unbounded).toEqual([]);
  });
});

describe('the http_response entity of the middleware', () => {
  let collector: Collector;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    // Only schemas that come from a source are checked; those of our own it knows by itself.
    collector = await startCollector({ iglu: [__dirname] });
    const app = express();
    app.use(
      snowplow({ endpoint: collector.url, namespace: 'web', appId: 'shop', response: true, emitter: { batchSize: 1 } }),
    );
    const shop = express.Router();
    shop.all('/tea/:kind', (req, res) => {
      req.tracker.trackStructEvent({ category: 'before', action: req.method });
      res.sendStatus(Number(req.query['status'] ?? 200));
      req.tracker.trackStructEvent({ category: 'after', action: req.method });
    });
    app.use('/:mount', shop);
    app.use((req, res) => {
      req.tracker.trackStructEvent({ category: 'nowhere', action: req.method });
      res.sendStatus(404);
    });
    server = createServer({ maxHeaderSize: 60_000 }, app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await collector.close();
  });

  it.each([
    ['a route', 'GET', '/eu/tea/assam'],
    ['another method', 'PROPFIND', '/eu/tea/assam'],
    ['the highest status there is', 'GET', '/eu/tea/assam?status=999'],
    ['a mount path as long as a request line may be', 'GET', `/${'x'.repeat(50_000)}/tea/assam`],
    ['no route', 'DELETE', '/'],
  ])('meets its schema with %s', async (_what, method, path) => {
    collector.reset();
    await fetch(url + path, { method });
    const events = await collector.waitFor(() => true, path === '/' ? 1 : 2);
    collector.assertAllGood();
    for (const { contexts, unchecked } of events) {
      expect(contexts.map(({ schema }) => schema)).toEqual([
        'iglu:io.github.snowplow_middleware/http_response/jsonschema/1-0-0',
      ]);
      expect(unchecked).toEqual([]);
    }
  });
});
