// Functions of event specifications: what they track, what they count, and what does not compile.
import { pathToFileURL } from 'node:url';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from 'snowplow-middleware/collector';
import { Child } from '../../support/child';
import { complaintsOf } from './harness/compile';
import { schemaOf, Workshop } from './command';

const PRODUCT = `apiVersion: v1
resourceType: data-product
resourceName: 3d3059c4-d29b-4979-a973-43f7070e1dd0
data:
  name: Shop
  domain: Commerce
  sourceApplications: []
  eventSpecifications:
    - resourceName: 11d881cd-316e-4286-b5d4-fe7aebf56fca
      name: Product added to cart
      event:
        source: iglu:com.acme/cart/jsonschema/1-0-0
        schema:
          type: object
          properties:
            action:
              enum: [add]
      entities:
        tracked:
          - source: iglu:com.acme/product/jsonschema/1-0-0
            minCardinality: 1
            maxCardinality: 2
          - source: iglu:com.acme/user/jsonschema/1-0-0
        enriched: []
    - resourceName: 21d881cd-316e-4286-b5d4-fe7aebf56fca
      name: cart
      event:
        source: iglu:com.acme/cart/jsonschema/1-0-0
    - resourceName: 31d881cd-316e-4286-b5d4-fe7aebf56fca
      name: Later
`;

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
  shop.write('schemas/cart.json', schemaOf('cart', '1-0-0', { action: { enum: ['add', 'remove'] } }));
  shop.write('schemas/product.json', schemaOf('product'));
  shop.write('schemas/user.json', schemaOf('user'));
  shop.write('plans/shop.yml', PRODUCT);
  shop.write('plans/source-apps/web.yml', 'resourceType: source-application\n');
});
afterEach(() => shop.close());

const OUT = ['--specs', 'plans', '--out', 'tracking.ts'];

it('are written beside the schemas, and those without an event are left out', async () => {
  const { code, stdout, stderr } = await shop.run(['schemas', ...OUT]);
  expect(stdout).toBe('tracking.ts: 3 schemas, 2 event specifications, 1 left out, written\n');
  expect(stderr).toContain('left out: plans/shop.yml:29 #/data/eventSpecifications/2: names no event\n');
  expect(code).toBe(0);
  expect(await shop.run(['schemas', ...OUT, '--check'])).toMatchObject({ code: 0 });
  shop.write('plans/shop.yml', PRODUCT.replace('maxCardinality: 2', 'maxCardinality: 3'));
  const stale = await shop.run(['schemas', ...OUT, '--check']);
  expect(stale.code).toBe(1);
  expect(stale.stdout).toMatch(/^the same schemas; event specifications, .*\n.* is stale/);
});

it('find their schemas in registries', async () => {
  for (const name of ['cart', 'product', 'user'])
    shop.write(`registry/com.acme/${name}/jsonschema/1-0-0`, JSON.parse(shop.read(`schemas/${name}.json`)));
  const { stdout } = await shop.run(['--iglu', 'registry', ...OUT]);
  expect(stdout).toBe('tracking.ts: 3 schemas, 2 event specifications, 1 left out, written\n');
  expect((await shop.run(['schemas/cart.json', '--iglu', 'plans', ...OUT])).code).toBe(2);
});

it.each([
  ['name: cart', 'name: ""', /plans\/shop\.yml:25 .*eventSpecifications\/1: must have a resourceName and a name/],
  [
    'source: iglu:com.acme/user/jsonschema/1-0-0',
    'source: user',
    /plans\/shop\.yml:23 .*tracked\/1\/source: must be a URI/,
  ],
  ['minCardinality: 1', 'minCardinality: 3', /plans\/shop\.yml:20 .*tracked\/0: minCardinality and maxCardinality/],
  ['enum: [add]', 'enum: [sell]', /plans\/shop\.yml:\d+ .*0\/event\/schema: no data of iglu:com\.acme\/cart/],
  ['name: Shop', `name: ${'x'.repeat(257)}`, /data_product_name must have 1 to 256 characters/],
])('a mistake is named with its line: %s', async (right, wrong, message) => {
  shop.write('plans/shop.yml', PRODUCT.replace(right, wrong));
  const { code, stderr } = await shop.run(['schemas', ...OUT]);
  expect(stderr).toMatch(message);
  expect(code).toBe(4);
});

it('wrong data, wrong entities and none where some are asked for do not compile', async () => {
  await shop.run(['schemas', ...OUT]);
  const program = `import * as tracking from './tracking';
const { productAddedToCart, product, user, cart, cartSpecification } = tracking;
productAddedToCart({ action: 'add' }, [product({ id: 'a' }), user({ id: 'b' })]);
cartSpecification({ action: 'remove' });
productAddedToCart({ action: 'remove' }, [product({ id: 'a' })]);
productAddedToCart({ action: 'add' }, [cart({ action: 'add' })]);
productAddedToCart({ action: 'add' }, [product({ id: 7 })]);
productAddedToCart({ action: 'add' });
cartSpecification({ action: 'remove' }, []);
cartSpecification({});
`;
  const { lines } = complaintsOf({ 'tracking.ts': shop.read('tracking.ts'), 'program.ts': program });
  expect([...lines]).toEqual([4, 5, 6, 7, 8, 9]);
});

describe('at run time', () => {
  let collector: Collector;
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.close());

  it('an event has its entities and the one of its specification; contracts count', async () => {
    await shop.run(['schemas', ...OUT]);
    const { outputText } = ts.transpileModule(shop.read('tracking.ts'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    const main = pathToFileURL(resolve('dist/index.js')).href;
    const source = outputText.replace("from 'snowplow-middleware'", `from '${main}'`);
    shop.write('tracking.mjs', source);
    shop.write(
      'app.mjs',
      `import { createTracker, disableContracts } from '${main}';
       import { cartSpecification, product, productAddedToCart, user } from './tracking.mjs';
       const tracker = createTracker({ endpoint: '${collector.url}' });
       tracker.track(productAddedToCart({ action: 'add' }, [product({ id: 'a' }), user({ id: 'b' })]));
       tracker.track(cartSpecification({ action: 'remove' }));
       for (const products of [[], [1, 2, 3]])
         try { productAddedToCart({ action: 'add' }, products.map((id) => product({ id: String(id) }))); } catch (error) { console.log(error.message); }
       disableContracts();
       tracker.track(productAddedToCart({ action: 'add' }, []));
       await tracker.close();`,
    );
    const child = new Child(process.execPath, [join(shop.folder, 'app.mjs')]);
    await child.exited;
    const asked = 'must be 1 to 2 of iglu:com.acme/product/jsonschema/1-0-0';
    expect(child.output).toBe(
      `productAddedToCart: \`entities\` ${asked}, got 0\nproductAddedToCart: \`entities\` ${asked}, got 3\n`,
    );
    const events = collector.good();
    expect(events.map(({ contexts }) => contexts.map(({ schema }) => schema.split('/')[1]))).toEqual([
      ['product', 'user', 'event_specification'],
      ['event_specification'],
      ['event_specification'],
    ]);
    expect(events[0]?.contexts[2]).toEqual({
      schema: 'iglu:com.snowplowanalytics.snowplow/event_specification/jsonschema/1-0-4',
      data: {
        id: '11d881cd-316e-4286-b5d4-fe7aebf56fca',
        name: 'Product added to cart',
        data_product_id: '3d3059c4-d29b-4979-a973-43f7070e1dd0',
        data_product_name: 'Shop',
        data_product_domain: 'Commerce',
      },
    });
  });
});
