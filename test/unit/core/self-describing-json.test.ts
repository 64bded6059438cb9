import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import { disableContracts, enableContracts, SelfDescribingJson, type StandardSchema } from 'snowplow-middleware';
import { thrownBy } from '../../support/capture';

afterEach(enableContracts);

const BASKET = 'iglu:com.acme/basket/jsonschema/1-0-0';
const basket = v.object({
  items: v.pipe(v.number(), v.minValue(1, 'at least one item')),
  email: v.optional(v.string()),
});

describe('the schema', () => {
  const WRONG = ['', 'com.acme/basket/jsonschema/1-0-0', 'iglu:com.acme/basket/jsonschema/1-0', 'iglu:com.acme/basket/1-0-0', `${BASKET} `, `${BASKET}\n`, 'iglu:com acme/basket/jsonschema/1-0-0', null, 7]; // prettier-ignore
  it.each(WRONG)('%j is not an iglu URI', (schema) => {
    expect(() => new SelfDescribingJson(schema as string, {})).toThrow(
      'SelfDescribingJson: `schema` must be an iglu: URI such as iglu:com.acme/basket/jsonschema/1-0-0, got ',
    );
  });

  it('takes every URI of the pattern', () => {
    for (const schema of [BASKET, 'iglu:c_om.ac-me1/Basket_2/json-schema/10-20-30'])
      expect(new SelfDescribingJson(schema, {}).schema).toBe(schema);
  });
});

it('the data must be an object', () => {
  for (const data of [undefined, null, 'text', 7, [], () => 1])
    expect(() => new SelfDescribingJson(BASKET, data)).toThrow('SelfDescribingJson: `data` must be an object, got ');
});

describe('a validator', () => {
  it('of any Standard Schema library runs at construction', () => {
    expect(new SelfDescribingJson(BASKET, { items: 2 }, { validator: basket }).data).toEqual({ items: 2 });
  });

  it('that finds an issue breaks the contract', () => {
    const error = thrownBy(() => new SelfDescribingJson(BASKET, { items: 0 }, { validator: basket }));
    expect(error.message).toBe('SelfDescribingJson: `data` must be accepted by its validator, got at least one item');
    expect(error).toMatchObject({ code: 'ERR_SNOWPLOW_CONTRACT', expected: 'accepted by its validator' });
  });

  it('changes nothing of the data: it checks, it does not convert', () => {
    const validator = v.pipe(v.object({ items: v.string() }), v.transform(({ items }) => ({ items: Number(items) }))); // prettier-ignore
    expect(new SelfDescribingJson(BASKET, { items: '2' }, { validator }).data).toEqual({ items: '2' });
  });

  it('that returns a promise breaks the contract, and its rejection is handled', async () => {
    const slow = v.pipeAsync(v.object({ items: v.number() }), v.checkAsync(() => Promise.reject(new Error('later')))); // prettier-ignore
    const error = thrownBy(() => new SelfDescribingJson(BASKET, { items: 2 }, { validator: slow }));
    expect(error.message).toBe('SelfDescribingJson: `validator` must be synchronous, got a promise');
    await new Promise(setImmediate);
  });

  const odd = (validate: () => unknown): { validator: StandardSchema } => ({
    validator: { '~standard': { version: 1, vendor: 'own', validate } },
  });

  it('that throws breaks the contract', () => {
    const options = odd(() => {
      throw new Error('x');
    });
    expect(thrownBy(() => new SelfDescribingJson(BASKET, {}, options))['code']).toBe('ERR_SNOWPLOW_CONTRACT');
  });

  it('that returns nothing has found no issue', () => {
    for (const answer of [undefined, null, {}, { value: {} }, { issues: undefined }])
      expect(() => new SelfDescribingJson(BASKET, {}, odd(() => answer))).not.toThrow(); // prettier-ignore
  });

  it('does not run while contracts are off', () => {
    disableContracts();
    expect(new SelfDescribingJson(BASKET, { items: 0 }, { validator: basket }).data).toEqual({ items: 0 });
  });
});
