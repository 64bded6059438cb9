// Consent events against their schemas: what a contract takes, the schema takes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cmpVisible, consentPreferences, type ConsentPreferencesArgs, type TrackerEvent } from 'snowplow-middleware';
import { loadValidator, type Validator } from '../../../src/collector/schemas/validator';
import { thrownBy } from '../../support/capture';

const ajv = loadValidator() as Validator;
const judges = new Map(
  readFileSync(join(__dirname, '../../compatibility/schemas.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as [string, object])
    .filter(([path]) => /consent_preferences|cmp_visible/.test(path))
    .map(([path, schema]) => [`iglu:${path}`, ajv.compile(schema)]),
);
const isGood = ({ selfDescribing }: TrackerEvent): boolean => judges.get(selfDescribing!.schema)!(JSON.parse(JSON.stringify(selfDescribing!.data))); // prettier-ignore

const choice: ConsentPreferencesArgs = {
  eventType: 'allow_selected',
  basisForProcessing: 'consent',
  consentUrl: 'https://shop.acme.com/privacy',
  consentVersion: '3.1',
  consentScopes: ['analytics', 'functional'],
  domainsApplied: ['acme.com'],
  gdprApplies: true,
};

describe('consentPreferences', () => {
  it('says all of the schema', () => {
    const event = consentPreferences(choice);
    expect(event.selfDescribing).toEqual({
      schema: 'iglu:com.snowplowanalytics.snowplow/consent_preferences/jsonschema/1-0-0',
      data: choice,
    });
    expect(isGood(event)).toBe(true);
  });

  it.each(['deny_all', 'allow_all', 'allow_selected', 'pending', 'implicit_consent', 'withdrawn', 'expired'] as const)(
    'knows %s',
    (eventType) => {
      expect(isGood(consentPreferences({ ...choice, eventType }))).toBe(true);
    },
  );

  it('sends a URL as the pipeline reads it', () => {
    const event = consentPreferences({ ...choice, consentUrl: 'https://shop.acme.com/a|b c' });
    expect(isGood(event)).toBe(true);
    expect((event.selfDescribing!.data as ConsentPreferencesArgs).consentUrl).toBe('https://shop.acme.com/a%7Cb%20c');
  });

  it.each(Object.keys(choice) as (keyof ConsentPreferencesArgs)[])('takes no %s that the schema refuses', (name) => {
    const values = fc.oneof(
      fc.constantFrom(undefined, null, '', 'x', 'pending', 'contract', true, 0, [], [''], ['a'], [1], ['x'.repeat(1025)]),
      fc.constantFrom('x'.repeat(16), 'x'.repeat(17), 'https://h/', '/privacy', 'http://[', 'mailto:a@b', 'https://h/ä?ö=|'),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.anything(),
    ); // prettier-ignore
    fc.assert(
      fc.property(values, (value) => {
        try {
          expect(isGood(consentPreferences({ ...choice, [name]: value }))).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SNOWPLOW_CONTRACT' });
        }
      }),
    );
  });
});

describe('cmpVisible', () => {
  it('says how long the dialog took', () => {
    const event = cmpVisible({ elapsedTime: 420.5 });
    expect(event.selfDescribing?.data).toEqual({ elapsedTime: 420.5 });
    expect(isGood(event)).toBe(true);
    expect(isGood(cmpVisible({ elapsedTime: 0 }))).toBe(true);
  });

  it.each([[-1], [NaN], [Infinity], [1e19], ['1'], [undefined], [null]])('does not take %s', (elapsedTime) => {
    expect(thrownBy(() => cmpVisible({ elapsedTime: elapsedTime as never }))).toMatchObject({ path: 'elapsedTime' });
  });
});
