// Typical mistakes, as a developer sees them on the live page: where the fault is, what came, and what to change.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { launchBrowser } from '../../support/browser';
import { contexts, encode, pageView, post, unstruct } from './requests';

const BASKET = 'iglu:com.acme/basket/jsonschema/1-0-0';
const SCHEMA = {
  type: 'object',
  properties: {
    items: { type: 'integer', minimum: 1 },
    currency: { enum: ['EUR', 'USD'] },
    coupon: { type: 'string', maxLength: 10 },
    at: { type: 'string', format: 'date-time' },
  },
  required: ['items', 'currency'],
  additionalProperties: false,
};

let folder: string;
let collector: Collector;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'iglu-'));
  mkdirSync(join(folder, 'com.acme/basket/jsonschema'), { recursive: true });
  writeFileSync(join(folder, 'com.acme/basket/jsonschema/1-0-0'), JSON.stringify(SCHEMA));
  [collector, browser] = await Promise.all([startCollector({ iglu: [folder] }), launchBrowser()]);
  page = await browser.newPage();
});
afterAll(async () => {
  await browser.close();
  await collector.close();
  rmSync(folder, { recursive: true });
});

const track = (fields: Record<string, unknown>) => post(collector.url, [pageView(fields)]);
const basket = (data: unknown, schema = BASKET) => track({ e: 'ue', ue_px: encode(unstruct(schema, data)) });
const filled = (more: Record<string, unknown> = {}) => basket({ items: 1, currency: 'EUR', ...more });
const context = { schema: BASKET, data: { items: 1, currency: 'EUR' } };
const tp2 = (type: string, body: unknown) =>
  fetch(`${collector.url}/com.snowplowanalytics.snowplow/tp2`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: JSON.stringify(body),
  });

/** A mistake, and words the page must say of it: the place with the rule, the value, and what to do. */
const MISTAKES: readonly [name: string, send: () => Promise<unknown>, ...words: string[]][] = [
  [
    'a schema that is not there',
    () => basket({ items: 1 }, 'iglu:com.acme/baskte/jsonschema/1-0-0'),
    'event.schema was not found in ',
    'iglu:com.acme/baskte/jsonschema/1-0-0',
    `Did you mean ${BASKET}?`,
  ],
  [
    'a version that is not there',
    () => basket({ items: 1 }, 'iglu:com.acme/basket/jsonschema/1-0-1'),
    'event.schema was not found in ',
    `Did you mean ${BASKET}?`,
  ],
  [
    'a required property left out',
    () => basket({ items: 1, curency: 'EUR' }),
    'event.data.currency is missing',
    '{"items":1,"curency":"EUR"}',
    `Add it: ${BASKET} requires it. Is it called curency?`,
    'event.data.curency is not a property of the schema, which has items, currency, coupon, at',
    'Did you mean currency?',
  ],
  [
    'a text for a number',
    () => filled({ items: '2' }),
    'event.data.items is a string, but must be integer',
    '"2"',
    'Send the number 2, without quotes: Number(value).',
  ],
  [
    'decimals for a whole number',
    () => filled({ items: 1.5 }),
    'event.data.items is a number, but must be integer',
    'Math.round(value)',
  ],
  [
    'null for nothing, in a context',
    () => track({ cx: encode(contexts(context, { schema: BASKET, data: { ...context.data, coupon: null } })) }),
    'context[1].data.coupon is null, but must be string',
    'Leave it out if there is no value',
  ],
  [
    'a value that is none of the choices',
    () => filled({ currency: 'eur' }),
    'event.data.currency is not one of ["EUR","USD"]',
    '"eur"',
    'Did you mean EUR?',
  ],
  [
    'a property too long',
    () => filled({ coupon: 'SUMMER-SALE-2026' }),
    'event.data.coupon is 16 characters long, but may have at most 10',
    'Truncate it before you track it',
  ],
  [
    'a date in words',
    () => filled({ at: 'yesterday' }),
    'event.data.at is not a valid date-time',
    '"yesterday"',
    'new Date().toISOString()',
  ],
  [
    'a field too long',
    () => track({ uid: 'u'.repeat(300) }),
    'uid is 300 characters long; user_id takes 255',
    `${'u'.repeat(120)}… (300 characters)`,
    'In code: subject.setUserId().',
  ],
  [
    'an id that is no UUID',
    () => track({ sid: 's8091074-0000-4000-8000-000000000000' }),
    'sid is not a UUID',
    's8091074-0000-4000-8000-000000000000',
    'In code: subject.setDomainSessionId().',
  ],
  [
    'iglu: misspelt',
    () => basket({ items: 1 }, 'igloo:com.acme/basket/jsonschema/1-0-0'),
    'event.schema does not begin with iglu:',
    'igloo:com.acme/basket/jsonschema/1-0-0',
    'In code: trackSelfDescribingEvent({ event: { schema, data } }).',
  ],
  [
    'an unknown platform',
    () => track({ p: 'server' }),
    'p is not a platform of the protocol',
    'server',
    'Send srv for a server',
    'In code: createTracker({ platform })',
  ],
  [
    'a relative URL',
    () => track({ url: '/basket' }),
    'url has no host: it is stored with host null and port 80',
    '/basket',
    'In code: trackPageView({ pageUrl })',
  ],
  [
    'base64 cut short',
    () => track({ cx: encode(contexts(context)).slice(0, -25) }),
    'cx is not base64 of JSON: Unterminated string',
    'In code: context: [{ schema, data }] in any trackXxx().',
  ],
  [
    'an enriched name on the wire',
    () => track({ user_id: 'u-17' }),
    'data[0].user_id is not a key of the tracker protocol',
    'u-17',
    'On the wire it is called uid.',
    'In code: subject.setUserId().',
  ],
  [
    'a number on the wire',
    () => track({ vid: 3 }),
    'data[0].vid is a number, but every value must be a string',
    'Send String(value).',
  ],
  [
    'both forms of contexts',
    () => track({ co: JSON.stringify(contexts(context)), cx: encode(contexts(context)) }),
    'cx is sent with its plain form (co, ue_pr)',
    'Put everything into one of the two.',
  ],
  [
    'a time in seconds',
    () => track({ dtm: '1790000000' }),
    'dtm is before 2001: it looks like seconds',
    '1790000000',
    'Send milliseconds',
    "In code: timestamp: { type: 'dtm', value } in any trackXxx().",
  ],
  [
    'a body sent as text',
    () => tp2('text/plain;charset=UTF-8', {}),
    'Content-Type is not application/json',
    'text/plain;charset=UTF-8',
    'fetch() and sendBeacon() send text/plain by default',
  ],
  [
    'an envelope of another version',
    () => tp2('application/json', { schema: 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-1-0' }),
    'schema is not payload_data, 1-0-0 to 1-0-4',
    'payload_data/jsonschema/1-1-0',
    'payload_data/jsonschema/1-0-4',
  ],
];

it.each(MISTAKES)('%s', async (_name, send, ...words) => {
  collector.reset();
  await send();
  await page.goto(collector.url);
  await page.locator('.row').click();
  const said = await page.locator('.finding').allInnerTexts();
  for (const word of words) expect(said.join('\n')).toContain(word);
});
