// The help of the command and of each of its commands: complete, readable in a terminal, and correct.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const CLI = resolve('dist/cli/main.js');
const run = (...args: string[]) => spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });

/** The commands, and the file that takes their options. */
const COMMANDS = [
  ['collector', 'cli/collector.ts'],
  ['worker', 'cli/worker.ts'],
  ['disk', 'cli/disk.ts'],
  ['types', 'cli/types.ts'],
] as const;

it.each(['--help', '-h', 'help'])('%s shows every command, with exit code 0', (asked) => {
  const { status, stdout, stderr } = run(asked);
  for (const [command] of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  expect(stdout.split('\n').filter((line) => line.length > 110)).toEqual([]);
  expect([status, stderr]).toEqual([0, '']);
});

it('no command and an unknown one show the help as an error', () => {
  for (const args of [[], ['colector']]) {
    const { status, stdout, stderr } = run(...args);
    expect(stderr).toContain('Usage: snowplow-middleware <command>');
    expect([status, stdout]).toEqual([1, '']);
  }
});

it('--version shows the version of the package', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(run('--version').stdout).toBe(`${version}\n`);
});

describe.each(COMMANDS)('the help of %s', (command, file) => {
  const { status, stdout, stderr } = run(command, '--help');
  const source = readFileSync(join('src', file), 'utf8');
  const [, options = ''] = /^const OPTIONS = \{\n([\s\S]*?)^\} as const;$/m.exec(source) ?? [];
  const names = [...options.matchAll(/^ {2}'?([\w-]+)'?:/gm)].map(([, name]) => name as string);

  it('exits with 0, and begins with the usage', () => {
    expect(stdout).toMatch(new RegExp(`^Usage: snowplow-middleware ${command} `));
    expect([status, stderr]).toEqual([0, '']);
  });

  it('lists exactly the existing options', () => {
    expect(names.length).toBeGreaterThan(5);
    const shown = [...stdout.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(([, name]) => name);
    expect(shown.sort()).toEqual(names.sort());
  });

  it('states the defaults of the code', () => {
    const wrong = [...options.matchAll(/^ {2}(\w+): .*default: '([^']*)'/gm)].filter(
      ([, name, value]) => !new RegExp(`--${name} .*\\(default:? ${value}\\b`).test(stdout),
    );
    expect(wrong.map(([, name]) => name)).toEqual([]);
  });

  it('fits into a terminal', () => {
    expect(stdout.split('\n').filter((line) => line.length > 120)).toEqual([]);
  });
});
