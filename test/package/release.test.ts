// The release script: what it refuses, with all reasons and advice at once, and what it does if nothing is missing.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from './packed';

const READY = {
  name: 'a-package-to-release',
  version: '1.2.3',
  repository: { type: 'git', url: 'git+https://git.acme.test/a-package.git' },
  homepage: 'https://git.acme.test/a-package',
  bugs: 'https://git.acme.test/a-package/issues',
  scripts: { check: `node -e "console.log('all checks ran')"` },
};
const CHANGELOG = '# Changelog\n\n## 1.2.3 (2026-11-22)\n\n- More tea.\n\n## 1.2.2 (2026-01-01)\n\n- Tea.\n';

let folder: string;
const git = (...args: string[]): void =>
  void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@acme.test', ...args], { cwd: folder });
const write = (name: string, text: string | object): void =>
  writeFileSync(join(folder, name), typeof text === 'string' ? text : JSON.stringify(text));
const commit = (): void => {
  git('add', '-A');
  git('commit', '-qm', 'change');
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-'));
  git('init', '-q', '-b', 'main');
  write('package.json', READY);
  write('CHANGELOG.md', CHANGELOG);
  commit();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function release(args: string[] = [], env: Record<string, string> = {}): { status: number | null; said: string } {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: _github, SIGSTORE_ID_TOKEN: _gitlab, ...around } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/release.mjs'), ...args], {
    cwd: folder,
    encoding: 'utf8',
    // npm does all but the upload.
    env: { ...around, npm_config_dry_run: 'true', ...env },
  });
  return { status, said: stdout + stderr };
}

it('runs every check, shows what is in the package, and publishes nothing by itself', () => {
  const { status, said } = release();
  for (const part of ['all checks ran', 'CHANGELOG.md', 'Ready.', 'npm publish --provenance --access public'])
    expect(said).toContain(part);
  expect(said).not.toContain('> npm publish');
  expect(status).toBe(0);
});

it('publishes with provenance if the benchmark was checked and CI has an id token', () => {
  const { status, said } = release(['--publish', '--benched'], { ACTIONS_ID_TOKEN_REQUEST_URL: 'http://127.0.0.1:9' });
  expect(said).toContain('> npm publish --provenance --access public');
  expect(said).toContain('+ a-package-to-release@1.2.3');
  expect(status).toBe(0);
});

it('stops where a check fails', () => {
  write('package.json', { ...READY, scripts: { check: 'node -e "process.exit(3)"' } });
  commit();
  const { status, said } = release(['--publish', '--benched'], { SIGSTORE_ID_TOKEN: 'token' });
  expect(status).not.toBe(0);
  expect(said).not.toContain('> npm publish');
});

describe('refuses, and says what to do', () => {
  it.each<[what: string, spoil: () => void, advice: string]>([
    ['no address of a repository', () => write('package.json', { ...READY, repository: undefined }), 'no repository'],
    ['no homepage', () => write('package.json', { ...READY, homepage: undefined }), 'no homepage'],
    ['no place for bugs', () => write('package.json', { ...READY, bugs: {} }), 'no bugs'],
    ['a version without entry', () => write('package.json', { ...READY, version: '1.3.0' }), 'no entry for 1.3.0'],
    [
      'an entry without date',
      () => write('CHANGELOG.md', CHANGELOG.replace('2026-11-22', 'unreleased')),
      'put the date',
    ],
    ['an empty entry', () => write('CHANGELOG.md', CHANGELOG.replace('- More tea.', '')), 'what has changed in 1.2.3'],
    ['another branch', () => git('checkout', '-qb', 'feature'), 'not main'],
    ['a tag elsewhere', () => (git('tag', 'v1.2.3'), write('new.txt', 'x')), 'v1.2.3 is on another commit'],
  ])('%s', (_what, spoil, advice) => {
    spoil();
    git('add', '-A');
    git('commit', '-qm', 'spoilt', '--allow-empty');
    const { status, said } = release();
    expect(said).toContain(advice);
    expect(said.split('\n').filter((line) => line.startsWith('- '))).toHaveLength(1);
    expect(said).not.toContain('all checks ran');
    expect(status).toBe(1);
  });

  it('a tree that is not clean', () => {
    write('left.txt', 'over');
    expect(release().said).toContain('not clean');
  });

  it('to publish without a benchmark seen and without an id token, both at once', () => {
    const { status, said } = release(['--publish']);
    expect(said).toMatch(/npm run bench[\s\S]*id token/);
    expect(status).toBe(1);
  });
});

it('CONTRIBUTING says what to set before the first release', () => {
  const contributing = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  for (const field of ['`repository`', '`homepage`', '`bugs`']) expect(contributing).toContain(field);
});
