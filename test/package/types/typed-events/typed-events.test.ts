// Generated types as a user meets them: `tracking.ts` is written by the command, and `tsc --noEmit` is what fails here.
import { spawnSync } from 'node:child_process';
import { relative, resolve } from 'node:path';
import { expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { createTracker, defineSchema, type SelfDescribingJson, type TrackerEvent } from 'snowplow-middleware';
import { basket, type Basket, checkoutStarted, payment, product, user } from './tracking';

const HERE = relative('', __dirname);

it('the file is what the command writes for the schemas beside it', () => {
  const args = [`${HERE}/schemas`, '--specs', `${HERE}/data-products`, '--out', `${HERE}/tracking.ts`, '--check'];
  const { status, stdout } = spawnSync(process.execPath, [resolve('dist/cli/main.js'), 'types', ...args], {
    encoding: 'utf8',
  });
  expect(stdout).toContain('up to date');
  expect(status).toBe(0);
});

it('a function makes data with its schema, and tells its URI', () => {
  expect(basket({ items: 3, currency: 'EUR' })).toMatchObject({
    schema: 'iglu:com.acme/basket/jsonschema/1-0-0',
    data: { items: 3, currency: 'EUR' },
  });
  expectTypeOf(basket).returns.toEqualTypeOf<SelfDescribingJson<Basket, 'iglu:com.acme/basket/jsonschema/1-0-0'>>();
  expectTypeOf(basket.schema).toEqualTypeOf<'iglu:com.acme/basket/jsonschema/1-0-0'>();
  expectTypeOf<Basket['note']>().toEqualTypeOf<string | null | undefined>();
  const tracker = createTracker({ endpoint: 'http://127.0.0.1:1', enabled: false });
  tracker.track(basket({ items: 3, currency: 'EUR' }), { context: [user({ id: 'u-17' })] });
});

it('wrong data does not compile', () => {
  void (() => basket({ items: 3, currency: 'EUR', note: null }));
  void (() => basket({ items: 3, currency: 'EUR', note: undefined }));
  // @ts-expect-error -- a missing field
  void (() => basket({ items: 3 }));
  // @ts-expect-error -- a field that there is not
  void (() => basket({ items: 3, currency: 'EUR', colour: 'green' }));
  // @ts-expect-error -- none of the enum
  void (() => basket({ items: 3, currency: 'GBP' }));
  // @ts-expect-error -- another type
  void (() => basket({ items: '3', currency: 'EUR' }));
  // @ts-expect-error -- no null where the schema has none
  void (() => basket({ items: null, currency: 'EUR' }));
});

it('alternatives ask for what their branches ask for', () => {
  void (() => payment({ method: 'card', card: { brand: 'visa' } }));
  void (() => payment({ method: 'invoice', invoice: 'I-7' }));
  // @ts-expect-error -- neither branch
  void (() => payment({ method: 'card' }));
  // @ts-expect-error -- nested: a missing field
  void (() => payment({ method: 'card', card: {} }));
  // @ts-expect-error -- nested: a field that there is not
  void (() => payment({ method: 'card', card: { brand: 'visa', cvc: '123' } }));
});

it('a specification takes its data and its entities alone', () => {
  expectTypeOf(checkoutStarted).returns.toEqualTypeOf<TrackerEvent>();
  const data: Basket = { items: 1, currency: 'EUR' };
  void (() => checkoutStarted(data, [product({ sku: 'TEA-1' }), user({ id: 'u-17' })]));
  // @ts-expect-error -- an entity that it does not know
  void (() => checkoutStarted(data, [payment({ method: 'invoice', invoice: 'I-7' })]));
  // @ts-expect-error -- an entity with wrong data
  void (() => checkoutStarted(data, [product({ sku: 1 })]));
  // @ts-expect-error -- no entities
  void (() => checkoutStarted(data));
  // @ts-expect-error -- wrong data
  void (() => checkoutStarted({ items: 1 }, [user({ id: 'u-17' })]));
  // How many of each is no matter of types: contracts count.
  expect(() => checkoutStarted(data, [user({ id: 'u-17' })])).toThrow(
    'checkoutStarted: `entities` must be at least 1 of iglu:com.acme/product/jsonschema/1-0-0, got 0',
  );
});

it('code first: the type and the check are those of a validator', () => {
  const paid = defineSchema('iglu:com.acme/paid/jsonschema/1-0-0', z.object({ total: z.number().min(0) }));
  expect(paid({ total: 9 }).data).toEqual({ total: 9 });
  expect(() => paid({ total: -1 })).toThrow('must be accepted by its validator');
  // @ts-expect-error -- a wrong field
  void (() => paid({ totl: 9 }));
});
