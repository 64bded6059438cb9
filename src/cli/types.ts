// `snowplow-middleware types`: writes the types of events and entities from their JSON schemas, or says that they are stale.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError } from '../core/errors';
import { generate, type Generated, type GenerateOptions } from '../typegen/generate';
import { Problem, Problems } from '../typegen/problem';
import type { RegistryOptions } from '../typegen/sources/registry';
import { differencesOf, isSameText } from '../typegen/text/difference';
import { watchSources } from './types-watch';

const HELP = `Usage: snowplow-middleware types SOURCES... --out FILE [options]

Writes a TypeScript file with an interface and a function for each schema. Sources are
  files and folders  of self-describing JSON schemas or of snowplow-cli data structures (.yml needs: npm install yaml)
  iglu: URIs         iglu:com.acme/basket/jsonschema/1-0-0; a version 1-*-* stands for the newest one

  --out FILE         the file to write (required)
  --iglu SOURCE      Iglu server, static registry, or folder in Iglu layout for iglu: URIs; may be repeated
                     (default: http://iglucentral.com)
  --apikey-env NAME  variable with the key of the registry, of the --iglu before it where there are several
  --specs FOLDER     snowplow-cli data products: writes a function for each event specification; may be repeated
  --check            write nothing; fail when the file is stale
  --watch            write the file anew whenever a source changes, until Ctrl+C
  --help             show this text

Progress and problems go to stderr, the result to stdout. A problem names file, line and JSON pointer.

Exit codes: 0 when the file is written or up to date; 1 when --check finds it stale; 2 when a schema or a file is
missing; 3 when a registry cannot be reached; 4 when a schema is invalid; 5 when an argument is wrong or a package is
not installed. Of several problems all are shown, and the lowest of their codes is given.

Examples:
  npx snowplow-middleware types ./schemas --out src/tracking.ts
  npx snowplow-middleware types iglu:com.acme/basket/jsonschema/1-*-* --iglu https://iglu.acme.com --out tracking.ts
`;

const OPTIONS = {
  out: { type: 'string' },
  iglu: { type: 'string', multiple: true, default: [] as string[] },
  'apikey-env': { type: 'string', multiple: true, default: [] as string[] },
  specs: { type: 'string', multiple: true, default: [] as string[] },
  check: { type: 'boolean', default: false },
  watch: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const IGLU_CENTRAL = 'http://iglucentral.com';
const EXIT_CODES = { stale: 1, missing: 2, unreachable: 3, invalid: 4, usage: 5 } as const;

/**
 * Writes the file, or checks it. What is wrong goes to stderr, with an exit code for each kind of problem.
 *
 * @param argv The arguments behind `types`.
 * @example
 * await runTypes(['./schemas', '--out', 'src/tracking.ts']);
 */
export async function runTypes(argv: string[]): Promise<void> {
  try {
    process.exitCode = await run(argv);
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** Says what is wrong. @returns The exit code. */
function report(error: unknown): number {
  const problems = error instanceof Problems ? error.problems : error instanceof Problem ? [error] : [];
  if (problems.length === 0) {
    process.stderr.write(`${(error as Error).message}. See --help.\n`);
    return EXIT_CODES.usage;
  }
  for (const { message } of problems) process.stderr.write(`${message}\n`);
  return Math.min(...problems.map(({ kind }) => EXIT_CODES[kind]));
}

async function run(argv: string[]): Promise<number> {
  const { values, positionals, tokens } = parseArgs({
    args: argv,
    options: OPTIONS,
    allowPositionals: true,
    tokens: true,
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { out, check, watch, specs } = values;
  if (!out) throw new ConfigError('--out', 'the file to write', 'nothing');
  if (positionals.length + specs.length === 0)
    throw new ConfigError('types', 'given files, folders or iglu: URIs', 'none');
  if (check && watch) throw new ConfigError('--check', 'left out with --watch');
  const named = tokens.flatMap((token) =>
    token.kind === 'option' && (token.name === 'iglu' || token.name === 'apikey-env')
      ? [{ name: token.name, value: token.value ?? '' }]
      : [],
  );
  const options: GenerateOptions = { sources: positionals, specs, registries: registriesOf(named), onProgress: say };
  if (check) return checkFile(out, await generate(options), argv);
  const write = async (): Promise<void> => writeFile(out, await generate(options));
  if (!watch) {
    await write();
    return 0;
  }
  const paths = [...positionals, ...specs, ...values.iglu].filter((source) => !/^(?:iglu|https?):/i.test(source));
  if (paths.length === 0) throw new ConfigError('--watch', 'used with files or folders: registries are not watched');
  await watchSources(paths, out, () => write().catch((error: unknown) => void report(error)));
  return 0;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** A key goes with the registry before it; where it stands before them all, with the first one. */
function registriesOf(named: readonly { readonly name: string; readonly value: string }[]): RegistryOptions[] {
  const registries: { source: string; apikey?: string }[] = [];
  let waiting: { apikey?: string } = {};
  for (const { name, value } of named) {
    if (name === 'iglu') {
      registries.push({ source: value, ...waiting });
      waiting = {};
    } else Object.assign(registries.at(-1) ?? waiting, { apikey: keyIn(value) });
  }
  if (waiting.apikey !== undefined) throw new ConfigError('--apikey-env', 'given with the --iglu whose key it names');
  return registries.length > 0 ? registries : [{ source: IGLU_CENTRAL }];
}

function keyIn(variable: string): string {
  const key = process.env[variable];
  // Its value is never shown.
  if (key === undefined || !/^[\x21-\x7e]+$/.test(key))
    throw new ConfigError('--apikey-env', 'the name of a variable that holds a key', JSON.stringify(variable));
  return key;
}

const existing = (out: string): string | undefined => (existsSync(out) ? readFileSync(out, 'utf8') : undefined);

function writeFile(out: string, generated: Generated): void {
  for (const line of generated.leftOut) say(`left out: ${line}`);
  const isSame = existing(out) === generated.text;
  if (!isSame) {
    const target = resolve(out);
    mkdirSync(dirname(target), { recursive: true });
    // Nobody finds half a file.
    writeFileSync(`${target}.new`, generated.text);
    renameSync(`${target}.new`, target);
  }
  process.stdout.write(`${out}: ${countsOf(generated)}, ${isSame ? 'unchanged' : 'written'}\n`);
}

function checkFile(out: string, generated: Generated, argv: readonly string[]): number {
  for (const line of generated.leftOut) say(`left out: ${line}`);
  const before = existing(out);
  if (before !== undefined && isSameText(before, generated.text)) {
    process.stdout.write(`${out}: ${countsOf(generated)}, up to date\n`);
    return 0;
  }
  const differences = before === undefined ? [] : differencesOf(before, generated.text);
  if (before !== undefined && differences.length === 0)
    differences.push('the same schemas; event specifications, names or something written by hand differ');
  for (const line of differences) process.stdout.write(`${line}\n`);
  const again = ['npx snowplow-middleware types', ...argv.filter((argument) => argument !== '--check')].join(' ');
  process.stdout.write(`${out} ${before === undefined ? 'does not exist' : 'is stale'}: run ${again}\n`);
  return EXIT_CODES.stale;
}

function countsOf({ schemas, specifications, leftOut }: Generated): string {
  const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
  return [
    plural(schemas, 'schema'),
    ...(specifications > 0 ? [plural(specifications, 'event specification')] : []),
    ...(leftOut.length > 0 ? [`${leftOut.length} left out`] : []),
  ].join(', ');
}
