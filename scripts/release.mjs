// `npm run release`: says what stands between this checkout and a release, runs every check, and shows what would be published.
// `npm run release -- --publish --benched` publishes it, with provenance; that takes a CI job that may ask for an id token.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { publish: { type: 'boolean', default: false }, benched: { type: 'boolean', default: false } },
});
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const changelog = existsSync('CHANGELOG.md') ? readFileSync('CHANGELOG.md', 'utf8') : '';
const { version } = manifest;

const PUBLISH = ['publish', '--provenance', '--access', 'public'];

const git = (...args) => spawnSync('git', args, { encoding: 'utf8' }).stdout.trim();
const urlOf = (field) => (typeof field === 'object' ? field?.url : field);
/** What the changelog says of a version: its date, and the text below. */
const entry = new RegExp(
  `^## ${version.replaceAll('.', '\\.')} \\((.*)\\)\\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`,
  'm',
).exec(changelog);
const tagged = git('rev-list', '-n', '1', `v${version}`);

// All that is missing is said at once, with what to do about it.
/** @type {string[]} */
const missing = [];
const need = (met, advice) => void (met || missing.push(advice));

for (const field of ['repository', 'homepage', 'bugs'])
  need(
    /^(?:git\+)?https:\/\//.test(urlOf(manifest[field]) ?? ''),
    `package.json has no ${field}: set it to its https address, see CONTRIBUTING.md`,
  );
need(git('status', '--porcelain') === '', 'the working tree is not clean: commit or stash what is in it');
need(git('branch', '--show-current') === 'main', 'the branch is not main: release from there');
need(
  tagged === '' || tagged === git('rev-parse', 'HEAD'),
  `the tag v${version} is on another commit: raise the version`,
);
need(entry, `CHANGELOG.md has no entry for ${version}: write "## ${version} (<date>)" and what has changed`);
if (entry) {
  const [, date, text] = entry;
  need(/^\d{4}-\d\d-\d\d$/.test(date), `CHANGELOG.md does not say when ${version} was released: put the date`);
  need(/^- \S/m.test(text), `CHANGELOG.md does not say what has changed in ${version}`);
}
if (values.publish) {
  need(values.benched, 'run `npm run bench -- --check` on a quiet machine, look at its table, then say --benched');
  need(
    process.env.ACTIONS_ID_TOKEN_REQUEST_URL ?? process.env.SIGSTORE_ID_TOKEN,
    'there is no id token to prove where the package was built: publish from a CI job that may ask for one',
  );
}

if (missing.length > 0) {
  console.error(
    `${manifest.name} ${version} cannot be released:\n${missing.map((advice) => `- ${advice}`).join('\n')}`,
  );
  process.exit(1);
}

const npm = (...args) => {
  console.log(`> npm ${args.join(' ')}`);
  const { status } = spawnSync('npm', args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};
npm('run', 'check');
npm('pack', '--dry-run', '--ignore-scripts');
if (values.publish) npm(...PUBLISH);
else
  console.log(`Ready. What publishes it: npm ${PUBLISH.join(' ')}, by npm run release -- --publish --benched in CI.`);
