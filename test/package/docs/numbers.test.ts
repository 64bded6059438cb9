// The numbers in the sentences of the documents match the code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { ASYNC_DEFAULTS, batching, DEFAULTS } from '../../../src/delivery/options';
import { ROOT, textOf } from './blocks';

/** A number that a file of src keeps under a name of its own; in an object, `NAME.member`. */
function constant(file: string, name: string): number {
  const path = join(ROOT, 'src', `${file}.ts`);
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const [wanted, member] = name.split('.');
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const declaration = statement.declarationList.declarations.find((each) => each.name.getText(source) === wanted);
    if (!declaration?.initializer) continue;
    const pattern = member === undefined ? /^([\d_ *]+)$/ : new RegExp(`\\b${member}: ([\\d_ *]+)`);
    const [, amount] = pattern.exec(declaration.initializer.getText(source)) ?? [];
    if (amount !== undefined) return product(amount);
  }
  throw new Error(`${file}.ts has no number ${name}`);
}

/** `16 * 1024 ** 2` and the like. */
const product = (text: string): number =>
  text
    .replaceAll('_', '')
    .split(/ \* /)
    .map((factor) => factor.split(' ** ').map(Number))
    .reduce((all, [base = NaN, power = 1]) => all * base ** power, 1);

const grouped = (value: number): string => value.toLocaleString('en-US');
const SECOND = 1_000;
const DAY = 24 * 3_600;
const MIB = 1024 ** 2;

const closeSeconds = constant('delivery/engine/batch-emitter', 'CLOSE_TIMEOUT_MS') / SECOND;
const { maxBatchSize } = batching('test', {});

it.each<[page: string, sentence: string]>([
  [
    'README.md',
    `At most ${grouped(DEFAULTS.bufferCapacity)} events and ${DEFAULTS.bufferCapacityBytes / MIB} MiB wait in memory`,
  ],
  ['README.md', `Closing takes at most ${closeSeconds} seconds`],
  ['docs/architecture.md', `buffer<br/>${grouped(DEFAULTS.bufferCapacity)} events`],
  ['docs/options.md', `starts at ${constant('delivery/retry-policy/backoff', 'FIRST_MS')} ms and doubles`],
  ['docs/promises.md', `${closeSeconds} seconds by default`],
  ['docs/promises.md', `\`maxBatchSize\`, ${maxBatchSize}`],
  ['docs/promises.md', `\`threadCount\`, ${ASYNC_DEFAULTS.threadCount}`],
  ['docs/promises.md', `it takes ${constant('disk/neighbours', 'STILL_MS') / SECOND} seconds`],
  ['docs/hazards.md', `and ${grouped(DEFAULTS.bufferCapacity)} events wait`],
  ['docs/migrating.md', `\`AsyncEmitter({ threadCount })\`; ${ASYNC_DEFAULTS.threadCount} instead of 1`],
  [
    'docs/outgrowing-one-machine.md',
    `default ${constant('disk/disk-event-store', 'DEFAULTS.maxBytes') / MIB / 1024} GiB`,
  ],
  ['docs/outgrowing-one-machine.md', `in files of ${constant('disk/segment', 'SEGMENT_BYTES') / MIB} MiB`],
  ['docs/outgrowing-one-machine.md', `each file of ${constant('disk/segment', 'SEGMENT_BYTES') / MIB} MiB`],
  ['docs/outgrowing-one-machine.md', `stood still for ${constant('disk/neighbours', 'STILL_MS') / SECOND} seconds`],
  ['docs/outgrowing-one-machine.md', `adopted after ${constant('disk/neighbours', 'GONE_MS') / SECOND} seconds`],
  ['docs/hazards.md', `for each ${constant('disk/segment', 'SEGMENT_BYTES') / MIB} MiB`],
  ['docs/outgrowing-one-machine.md', `for up to ${constant('cli/worker', 'CLOSE_MS') / SECOND} seconds`],
  [
    'docs/outgrowing-one-machine.md',
    `sends no heartbeat for ${constant('redis/worker/scripts', 'EXPIRY_SECONDS')} seconds`,
  ],
  ['docs/outgrowing-one-machine.md', `expires ${constant('redis/worker/scripts', 'DEAD_SECONDS') / DAY} days after`],
  [
    'docs/outgrowing-one-machine.md',
    `larger than ${constant('delivery/transport-emitter', 'MAX_QUEUED_BYTES') / MIB} MiB`,
  ],
  [
    'docs/outgrowing-one-machine.md',
    `tried ${grouped(constant('bullmq/queue-transport', 'JOB_OPTIONS.attempts'))} times`,
  ],
  ['docs/outgrowing-one-machine.md', `at most ${maxBatchSize} / t events`],
  ['docs/collector.md', `newest ${grouped(constant('collector/log/event-log', 'MAX_EVENTS'))} events`],
  ['docs/collector.md', `${constant('collector/log/event-log', 'MAX_BYTES') / MIB} MiB of each`],
  ['docs/collector.md', `A body above ${constant('collector/http/collect', 'MAX_BODY') / MIB} MiB`],
  ['docs/collector.md', `line above ${grouped(constant('collector/http/collect', 'MAX_TARGET'))} bytes`],
  ['docs/collector.md', `headers above ${grouped(constant('collector/http/collect', 'MAX_HEADERS'))}`],
  ['docs/hazards.md', `more than ${constant('delivery/http/undici-client', 'MAX_HEAD_BYTES') / 1024} kB of headers`],
  ['SECURITY.md', `at most ${constant('delivery/http/undici-client', 'MAX_ANSWER_BYTES') / 1024} KB of a response`],
])('%s says "%s"', (page, sentence) => {
  expect(textOf(page).replaceAll(/\s+/g, ' ')).toContain(sentence);
});

it('numbers in words match the code', () => {
  expect(textOf('README.md')).toContain('within five seconds, the longest that an event waits');
  expect(DEFAULTS.flushIntervalMs).toBe(5 * SECOND);
  expect(textOf('docs/nestjs.md')).toContain('closed within five seconds');
  expect(constant('middleware/shutdown', 'SHUTDOWN_TIMEOUT_MS')).toBe(5 * SECOND);
  expect(textOf('docs/outgrowing-one-machine.md').replaceAll(/\s+/g, ' ')).toContain(
    'with five workers that died becomes a dead letter',
  );
  expect(constant('redis/worker/scripts', 'DEATHS_ALLOWED')).toBe(5);
  for (const words of ['ten times a second', 'adopts it within a second', 'looked at every second'])
    expect(textOf('docs/outgrowing-one-machine.md').replaceAll(/\s+/g, ' ')).toContain(words);
  expect(10 * constant('disk/disk-event-store', 'GROUP_MS')).toBe(SECOND);
  expect(constant('disk/disk-event-store', 'LOOK_MS')).toBe(SECOND);
  expect(textOf('SECURITY.md')).toContain('counts for five minutes at most');
  expect(constant('delivery/retry-policy/backoff', 'LONGEST_RETRY_AFTER_MS')).toBe(5 * 60 * SECOND);
});
