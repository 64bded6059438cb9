// `npm run setup`: installs what npm cannot, a Redis server and Chromium, by the system's package manager where missing.
import { spawnSync } from 'node:child_process';

const has = (names) => names.find((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0);

const wanted = [
  {
    what: 'a Redis server',
    commands: ['redis-server', 'valkey-server'],
    apt: 'redis-server',
    brew: 'redis',
    apk: 'redis',
    dnf: 'redis',
  },
  {
    what: 'Chromium',
    commands: ['chromium', 'chromium-browser', 'google-chrome'],
    apt: 'chromium',
    brew: '--cask chromium',
    apk: 'chromium',
    dnf: 'chromium',
  },
];

const managers = [
  {
    command: 'apt-get',
    key: 'apt',
    refresh: 'apt-get update -qq',
    install: 'apt-get install -y -qq --no-install-recommends',
  },
  { command: 'apk', key: 'apk', install: 'apk add --no-cache' },
  { command: 'dnf', key: 'dnf', install: 'dnf install -y -q' },
  { command: 'brew', key: 'brew', install: 'brew install' },
];

const missing = wanted.filter(({ what, commands }) => {
  const found = has(commands);
  console.log(found ? `setup: ${what}: found ${found}` : `setup: ${what}: missing`);
  return !found;
});
if (missing.length > 0) {
  const manager = managers.find(({ command }) => has([command]));
  if (!manager) {
    console.error(
      `setup: no known package manager; please install ${missing.map(({ what }) => what).join(' and ')} yourself`,
    );
    process.exit(1);
  }
  const sudo = manager.key !== 'brew' && process.getuid?.() !== 0 && has(['sudo']) ? 'sudo ' : '';
  const steps = [manager.refresh, `${manager.install} ${missing.map((item) => item[manager.key]).join(' ')}`].filter(
    Boolean,
  );
  for (const step of steps) {
    console.log(`setup: running ${sudo}${step}`);
    const { status } = spawnSync('sh', ['-c', sudo + step], {
      stdio: 'inherit',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (status !== 0) process.exit(status ?? 1);
  }
}
console.log('setup: done');
