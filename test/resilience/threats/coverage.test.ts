// The threat model has 33 rows: each has a test, in this folder by its id, or elsewhere by the name in this file.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROWS = 33;
const FOLDER = 'test/resilience/threats';

/** Tests outside this folder, by file and words of their name. */
const ELSEWHERE: Readonly<Record<string, readonly (readonly [file: string, words: string])[]>> = {
  T1: [['test/conformance/adapter-visitor.ts', 'takes the address from the framework: trust %s gives %s']],
  T2: [
    ['test/unit/core/client-ip.test.ts', 'gives a valid address or none for any text'],
    ['test/conformance/adapter-visitor.ts', 'sends no address where %s something else'],
  ],
  T3: [['test/conformance/adapter-visitor.ts', 'sends no address where %s something else']],
  T4: [['test/unit/core/client-ip.test.ts', 'brings the forms of an address to one']],
  T6: [
    ['test/unit/core/request.test.ts', 'truncates a long user agent to 1,000 units'],
    ['test/unit/core/payload.test.ts', "is truncated to the pipeline's limit"],
    ['test/unit/express/hostile.test.ts', 'is served, and its event is one that the pipeline takes'],
  ],
  T7: [
    ['test/unit/core/id-cookie.test.ts', 'reads the first 16 KiB of a longer header'],
    ['test/unit/core/id-cookie.test.ts', 'does not let cookies named like object members pollute a prototype'],
    ['test/unit/core/id-cookie.test.ts', 'gives usable fields or none, and never throws'],
  ],
  T8: [['test/unit/core/id-cookie.test.ts', 'never mixes the fields of two cookies']],
  T9: [
    ['test/unit/core/id-cookie.test.ts', 'takes only a UUID as the network user id'],
    ['test/unit/core/id-cookie.test.ts', 'gives usable fields or none, and never throws'],
  ],
  T10: [['test/unit/express/hostile.test.ts', 'is served, and its event is one that the pipeline takes']],
  T11: [
    ['test/unit/core/redact.test.ts', 'are never sent, under any spelling of their names'],
    ['test/unit/core/redact.test.ts', 'are masked in the path if they are recognisable'],
    ['test/unit/core/redact.test.ts', 'has the last word on page and referrer'],
  ],
  T13: [['test/unit/core/serialising.test.ts', 'pollute no prototype, and arrive as data']],
  T14: [['test/unit/core/serialising.test.ts', '%s is refused as unserializable, and its neighbours are sent']],
  T15: [
    ['test/unit/core/serialising.test.ts', 'how JSON represents other values'],
    ['test/unit/core/serialising.test.ts', 'can change after the call: what was tracked stays as it was'],
  ],
  T16: [['test/unit/core/payload.test.ts', 'as a structured event’s value goes as %s']],
  T17: [
    ['test/unit/core/payload.test.ts', 'with lone surrogates becomes well-formed, in every plain field'],
    ['test/unit/core/request.test.ts', 'repairs lone surrogates in a user agent'],
    ['test/unit/core/properties.test.ts', 'over a connection'],
  ],
  T18: [
    ['test/unit/core/serialising.test.ts', '32 levels go, 33 break the contract'],
    ['test/unit/core/serialising.test.ts', 'that is 100,000 levels deep'],
    ['test/unit/core/serialising.test.ts', '64 KB of data and entities go, more are refused as too large'],
  ],
  T19: [
    ['test/unit/core/request.test.ts', 'takes the signals'],
    ['test/conformance/adapter-visitor.ts', 'refuses, anonymises and ignores as the app and the visitor require'],
  ],
  T20: [
    ['test/conformance/event-store.ts', 'never mixes anonymous and other events in one lease'],
    ['test/unit/redis/redis-emitter.test.ts', 'anonymous events lie in a list of their own'],
    ['test/unit/bullmq/bullmq.test.ts', 'anonymous events travel in jobs of their own, and stay anonymous'],
  ],
  T22: [['test/resilience/faults/scenarios/answers.ts', 'keeps every event and never asks the page that it points to']],
  T23: [
    ['test/resilience/faults/scenarios/answers.ts', 'counts by its status, once, and is cut off'],
    ['test/unit/delivery/connections.test.ts', 'but sends header after header is cut off as well'],
    ['test/unit/delivery/connections.test.ts', 'after the headers of a %i is a success all the same'],
  ],
  T24: [
    ['test/unit/delivery/backoff.test.ts', 'gives undefined or a wait of at most five minutes for any text'],
    ['test/unit/delivery/retry.test.ts', 'is never shorter than the backoff'],
  ],
  T25: [
    ['test/unit/collector/page.test.ts', 'shows hostile values as text, in every field'],
    ['test/unit/collector/page.test.ts', 'sends a policy that allows no other origin'],
  ],
  T26: [
    ['test/unit/collector/limits.test.ts', 'holds no more than its bounds under a flood'],
    ['test/unit/collector/limits.test.ts', 'takes 64 connections and drops the next'],
    ['test/unit/collector/limits.test.ts', 'cuts off a body that does not end'],
    ['test/unit/collector/collector.test.ts', 'refuses a body above 1 MiB with 413 and a compressed one with 415'],
    ['test/unit/collector/collector.test.ts', 'keeps no more than 16 MiB'],
  ],
  T27: [
    ['test/unit/collector/micro.test.ts', 'answers only to names of this machine'],
    ['test/unit/collector/micro.test.ts', 'lets no other site and no other port of this machine read or reset'],
    ['test/unit/collector/collector.test.ts', 'refuses unknown options and production'],
  ],
  T29: [['test/unit/redis/redis-worker.test.ts', 'comes alone after two deaths, and is laid aside after five']],
  T30: [['test/unit/disk/event-store.test.ts', 'refuses %s, and leaves it as it is']],
  T31: [
    ['test/package/contents.test.ts', 'has one run-time dependency, undici'],
    ['test/package/contents.test.ts', 'runs nothing when it is installed'],
    ['test/package/contents.test.ts', 'are the build of each source, the schemas and four documents'],
  ],
};

const here = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.test.ts') && name !== 'coverage.test.ts')
  .map((name) => readFileSync(join(FOLDER, name), 'utf8'))
  .join('\n');
const rows = Array.from({ length: ROWS }, (_, index) => `T${index + 1}`);

it.each(rows)('%s has a test', (row) => {
  const byId = new RegExp(
    `(it|test|describe)\\S*\\('(T\\d+, )*${row}(, T\\d+)*: |\\]\\)\\(\\s*'(T\\d+, )*${row}(, T\\d+)*: `,
  );
  expect(byId.test(here) || row in ELSEWHERE, `${row} has none`).toBe(true);
});

describe('a test that stands for a row elsewhere is there', () => {
  it.each(Object.entries(ELSEWHERE).flatMap(([row, tests]) => tests.map(([file, words]) => [row, file, words])))(
    '%s, in %s: %s',
    (row, file = '', words = '') => {
      expect(rows).toContain(row);
      const lines = readFileSync(file, 'utf8').split('\n');
      const named = lines.filter((line) => line.includes(words));
      expect(named).not.toEqual([]);
      expect(named.filter((line) => /\b(skip|todo|fails)\b/.test(line))).toEqual([]);
    },
  );
});
