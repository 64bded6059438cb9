// defineSchema: one function serves as event and as entity; with a validator, its output is sent.
import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import { defineSchema, disableContracts, enableContracts, SelfDescribingJson } from 'snowplow-middleware';
import { capture, entitiesOf, eventOf, thrownBy } from '../../support/capture';

const BASKET = 'iglu:com.acme/basket/jsonschema/1-0-0';
const PAID = 'iglu:com.acme/paid/jsonschema/1-0-0';
const basket = defineSchema<{ items: number }>(BASKET);
const paid = defineSchema(PAID, v.object({ total: v.pipe(v.string(), v.transform(Number)), note: v.optional(v.string(), 'none') })); // prettier-ignore

afterEach(enableContracts);

describe('a defined schema', () => {
  it('makes self-describing data, and says which schema it is', () => {
    expect(basket({ items: 3 })).toEqual(new SelfDescribingJson(BASKET, { items: 3 }));
    expect(basket({ items: 3 })).toBeInstanceOf(SelfDescribingJson);
    expect(basket.schema).toBe(BASKET);
  });

  it('is an event to track, and an entity of one', () => {
    const { tracker, last } = capture();
    tracker.track(basket({ items: 3 }), { context: [paid({ total: '9' })] });
    expect(eventOf(last())).toEqual({ schema: BASKET, data: { items: 3 } });
    expect(entitiesOf(last())).toEqual([{ schema: PAID, data: { total: 9, note: 'none' } }]);
  });

  it.each([[7], ['x'], [null], [undefined], [[1]], [new Map()], [Promise.resolve()]])('refuses %s as data', (data) => {
    expect(thrownBy(() => basket(data as never))).toMatchObject({ code: 'ERR_SNOWPLOW_CONTRACT', path: 'data' });
  });

  it.each([
    ['iglu:com.acme/basket/jsonschema'],
    ['com.acme/basket/jsonschema/1-0-0'],
    ['iglu:com.acme/basket/jsonschema/0-0-0'],
    [''],
    [undefined],
    [7],
  ])('is not made of the URI %s', (uri) => {
    expect(thrownBy(() => defineSchema(uri as never))).toMatchObject({ code: 'ERR_SNOWPLOW_CONFIG' });
    expect(thrownBy(() => defineSchema(uri as never)).message).toContain('uri');
  });

  it.each([[{}], [7], [null], [() => true], [{ '~standard': {} }], [{ parse: () => ({}) }]])(
    'is not made with the validator %s',
    (validator) => {
      const error = thrownBy(() => defineSchema(BASKET, validator as never));
      expect(error).toMatchObject({ code: 'ERR_SNOWPLOW_CONFIG' });
      expect(error.message).toContain('validator');
    },
  );
});

describe('its validator', () => {
  it('gives what is sent', () => {
    expect(paid({ total: '9' }).data).toEqual({ total: 9, note: 'none' });
  });

  it('breaks the contract by an issue, in the name of the schema', () => {
    const error = thrownBy(() => paid({ total: 9 as never }));
    expect(error).toMatchObject({ code: 'ERR_SNOWPLOW_CONTRACT', path: 'data' });
    expect(error.message).toContain(PAID);
  });

  it('has to answer at once', () => {
    const slow = defineSchema(BASKET, v.objectAsync({ items: v.number() }) as never);
    expect(thrownBy(() => slow({ items: 1 } as never))).toMatchObject({ path: 'validator' });
  });

  it('that only checks leaves the data as they came', () => {
    const checked = defineSchema(BASKET, { '~standard': { version: 1, vendor: 'own', validate: () => ({}) } });
    expect(checked({ items: 1 }).data).toEqual({ items: 1 });
  });

  it('converts without contracts too, and data with an issue go as they came', () => {
    disableContracts();
    expect(paid({ total: '9' }).data).toEqual({ total: 9, note: 'none' });
    expect(paid({ total: 9 as never }).data).toEqual({ total: 9 });
  });
});
