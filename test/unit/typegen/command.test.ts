// The command on real folders, in a process of its own: what it writes, what it finds stale, and how it tells problems apart.
import { cpSync, mkdirSync, symlinkSync, utimesSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Child } from '../../support/child';
import { CLI, schemaOf, Workshop } from './command';

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
});
afterEach(() => shop.close());

const OUT = ['--out', 'src/tracking.ts'];

/** A data structure as snowplow-cli lays it out. */
const structureOf = (name: string): string => `apiVersion: v1
resourceType: data-structure
meta:
  hidden: false
  schemaType: event
  customData: {}
data:
  $schema: http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#
  self:
    vendor: com.acme
    name: ${name}
    format: jsonschema
    version: 1-0-0
  type: object
  properties:
    items:
      type: integer
  additionalProperties: false
`;

describe('writes', () => {
  it('files with and without suffix, data structures, and leaves out what is no schema', async () => {
    shop.write('schemas/com.acme/basket/jsonschema/1-0-0', schemaOf('basket'));
    shop.write('schemas/user.json', schemaOf('user'));
    shop.write('schemas/structures/login.yml', structureOf('login'));
    shop.write('schemas/structures/logout.json', { apiVersion: 'v1', resourceType: 'data-structure', data: schemaOf('logout') }); // prettier-ignore
    shop.write('schemas/package.json', { name: 'shop' });
    shop.write('schemas/list.json', { ...schemaOf('list'), type: 'array' });
    shop.write('schemas/README.md', 'no document');
    shop.write('schemas/node_modules/other.json', '{');
    const { code, stdout, stderr } = await shop.run(['schemas', ...OUT]);
    expect(stdout).toBe('src/tracking.ts: 4 schemas, 2 left out, written\n');
    expect(stderr).toContain('left out: schemas/package.json is not a self-describing schema\n');
    expect(stderr).toMatch(/left out: schemas\/list\.json:9 #\/type: takes no object/);
    expect(code).toBe(0);
    const names = [...shop.read('src/tracking.ts').matchAll(/export const (\w+)/g)].map(([, name]) => name);
    expect(names).toEqual(['basket', 'login', 'logout', 'user']);
  });

  it('the same file again, and says so', async () => {
    shop.write('schemas/basket.json', schemaOf('basket'));
    await shop.run(['./schemas', ...OUT]);
    const before = shop.read('src/tracking.ts');
    const { stdout } = await shop.run(['./schemas/basket.json', 'schemas', ...OUT]);
    expect(stdout).toBe('src/tracking.ts: 1 schema, unchanged\n');
    expect(shop.read('src/tracking.ts')).toBe(before);
  });

  it('schemas by their URI out of folders, the newest for stars', async () => {
    for (const version of ['1-0-9', '1-0-10', '2-0-0']) {
      shop.write(`registry/schemas/com.acme/basket/jsonschema/${version}`, schemaOf('basket', version));
    }
    const { code, stderr } = await shop.run(['iglu:com.acme/basket/jsonschema/1-*-*', '--iglu', 'registry', ...OUT]);
    expect([code, stderr]).toEqual([0, 'Schemas: 0 in files, 1 asked for by URI\n']);
    expect(shop.read('src/tracking.ts')).toContain("'iglu:com.acme/basket/jsonschema/1-0-10'");
  });

  it('versions side by side', async () => {
    for (const version of ['1-0-0', '1-0-1']) shop.write(`schemas/${version}`, schemaOf('basket', version));
    await shop.run(['schemas', ...OUT]);
    expect(shop.read('src/tracking.ts')).toMatch(/const basket_1_0_0 [\s\S]*const basket_1_0_1 /);
  });
});

describe('--check', () => {
  const check = () => shop.run(['schemas', ...OUT, '--check']);

  it('changes nothing, and says what is new, gone and changed', async () => {
    shop.write('schemas/basket.json', schemaOf('basket'));
    expect(await check()).toMatchObject({
      code: 1,
      stdout: 'src/tracking.ts does not exist: run npx snowplow-middleware types schemas --out src/tracking.ts\n',
    });
    shop.write('schemas/gone.json', schemaOf('gone'));
    for (const name of ['addition', 'model', 'revision']) shop.write(`schemas/${name}.json`, schemaOf(name, '1-1-1'));
    await shop.run(['schemas', ...OUT]);
    const before = shop.read('src/tracking.ts');
    expect(await check()).toMatchObject({ code: 0, stdout: 'src/tracking.ts: 5 schemas, up to date\n' });

    shop.write('schemas/gone.json', schemaOf('fresh'));
    shop.write('schemas/basket.json', schemaOf('basket', '1-0-0', { id: { type: 'number' } }));
    shop.write('schemas/addition.json', schemaOf('addition', '1-1-2'));
    shop.write('schemas/revision.json', schemaOf('revision', '1-2-0'));
    shop.write('schemas/model.json', schemaOf('model', '2-0-0'));
    const { code, stdout } = await check();
    expect(stdout.split('\n')).toEqual([
      'iglu:com.acme/addition/jsonschema/1-1-1 -> 1-1-2: addition',
      'iglu:com.acme/basket/jsonschema/1-0-0: other content in the same version',
      'iglu:com.acme/fresh/jsonschema/1-0-0: new',
      'iglu:com.acme/gone/jsonschema/1-0-0: gone',
      'iglu:com.acme/model/jsonschema/1-1-1 -> 2-0-0: model',
      'iglu:com.acme/revision/jsonschema/1-1-1 -> 1-2-0: revision',
      'src/tracking.ts is stale: run npx snowplow-middleware types schemas --out src/tracking.ts',
      '',
    ]);
    expect(code).toBe(1);
    expect(shop.read('src/tracking.ts')).toBe(before);
  });

  it('does not mind line ends, quotes and line breaks', async () => {
    shop.write('schemas/basket.json', schemaOf('basket', '1-0-0', { state: { enum: ["it's", 'a "b"'] } }));
    await shop.run(['schemas', ...OUT]);
    const text = shop.read('src/tracking.ts');
    const formatted = text
      .replace("'it\\'s' | 'a \"b\"'", `\n    | "it's"\n    | 'a "b"'`)
      .replaceAll(/'(iglu:[^']*)'/g, '"$1"')
      .replaceAll('\n', '\r\n');
    expect(formatted).not.toBe(text);
    shop.write('src/tracking.ts', formatted);
    expect(await check()).toMatchObject({ code: 0 });
    shop.write('src/tracking.ts', formatted.replace('a "b"', 'a"b"'));
    expect(await check()).toMatchObject({ code: 1 });
  });
});

describe('a problem', () => {
  const problem = async (...args: string[]) => {
    const { code, stdout, stderr } = await shop.run([...args, ...OUT]);
    expect(stdout).toBe('');
    return [code, stderr.replace(/^Schemas: .*\n/, '')] as const;
  };

  it('is a file that is not there: 2', async () => {
    expect(await problem('nowhere')).toEqual([2, 'nowhere does not exist\n']);
  });

  it('is a schema that no source has: 2', async () => {
    mkdirSync(join(shop.folder, 'registry'));
    expect(await problem('iglu:com.acme/a/jsonschema/1-0-0', '--iglu', 'registry')).toEqual([
      2,
      'iglu:com.acme/a/jsonschema/1-0-0 is in none of the sources and not in registry\n',
    ]);
    expect(await problem('registry')).toEqual([2, 'none of the sources holds a schema that gets a type\n']);
  });

  it('is a file that is not JSON: 4, with its line', async () => {
    shop.write('schemas/a.json', '{\n  "self": {},\n  "type": \'object\'\n}');
    expect(await problem('schemas')).toEqual([4, 'schemas/a.json:3 is not JSON: expected a value\n']);
  });

  it('is a schema that is none: 4, with line and pointer, each file', async () => {
    shop.write('schemas/a.json', schemaOf('a', '1-0-0', { id: { type: 'text' } }));
    shop.write('schemas/b.json', { ...schemaOf('b'), required: 'id' });
    shop.write('schemas/c.yml', structureOf('c').replace('type: integer', 'type: int'));
    shop.write('schemas/d.json', schemaOf('d', '1.0.0'));
    const [code, stderr] = await problem('schemas');
    expect(stderr).toMatch(/^schemas\/d\.json:3 #\/self: must name vendor, name, format and a version/m);
    shop.write('schemas/d.json', schemaOf('d'));
    const [again, others] = await problem('schemas');
    expect(others.split('\n')).toEqual([
      expect.stringMatching(/^schemas\/a\.json:12 #\/properties\/id\/type: must be one of null, boolean/),
      'schemas/b.json:15 #/required: must be a list of names',
      expect.stringMatching(/^schemas\/c\.yml:17 #\/data\/properties\/items\/type: must be one of/),
      '',
    ]);
    expect([code, again]).toEqual([4, 4]);
  });

  it('is a schema that gets no type, where its file is named: 4', async () => {
    shop.write('a.json', { ...schemaOf('a'), type: 'array' });
    expect(await problem('a.json')).toEqual([
      4,
      'a.json:9 #/type: takes no object, and data of events and entities is an object\n',
    ]);
    shop.write('a.json', schemaOf('a', '1-0-0', { a: { $ref: '#' } }));
    expect(await problem('a.json')).toEqual([
      4,
      'a.json:12 #/properties/a/$ref: is recursive, by "#": such a schema gets no type\n',
    ]);
  });

  it('is two schemas of one name: 4', async () => {
    shop.write('schemas/a.json', schemaOf('a'));
    shop.write('schemas/b.json', schemaOf('a', '1-0-0', {}));
    expect(await problem('schemas')).toEqual([
      4,
      'schemas/b.json: holds another iglu:com.acme/a/jsonschema/1-0-0 than schemas/a.json\n',
    ]);
  });

  it('is an argument that is wrong: 5', async () => {
    shop.write('schemas/a.json', schemaOf('a'));
    const codes = await Promise.all(
      [
        ['schemas'],
        OUT,
        ['schemas', ...OUT, '--wrong'],
        ['schemas', ...OUT, '--check', '--watch'],
        ['iglu:com.acme/a/jsonschema/1-0-0', ...OUT, '--watch'],
      ].map(async (args) => {
        const { code, stderr } = await shop.run(args);
        expect(stderr).toMatch(/See --help\.\n$/);
        return code;
      }),
    );
    expect(codes).toEqual([5, 5, 5, 5, 5]);
  });

  it('is YAML without its package: 5, with what to install', async () => {
    // The package alone, in a place where no other is found.
    cpSync(resolve('dist'), join(shop.folder, 'alone/dist'), { recursive: true });
    shop.write('schemas/a.yml', structureOf('a'));
    const cli = join(shop.folder, 'alone/dist/cli/main.js');
    const { code, stderr } = await shop.run(['schemas', ...OUT], {}, cli);
    expect(stderr).toContain("schemas/a.yml must be read with the package 'yaml', which is not installed: npm install --save-dev yaml"); // prettier-ignore
    expect(code).toBe(5);
  });
});

it('--watch writes after each change, tells problems, and ends well', async () => {
  shop.write('schemas/a.json', schemaOf('a'));
  const out = join(shop.folder, 'tracking.ts');
  const child = new Child(process.execPath, [CLI, 'types', join(shop.folder, 'schemas'), '--out', out, '--watch']);
  try {
    await child.printed(/1 schema, written\n[\s\S]*Watching|Watching[\s\S]*1 schema, written\n/);
    shop.write('schemas/b.json', schemaOf('b'));
    await child.printed(/2 schemas, written\n/);
    shop.write('schemas/b.json', '{');
    await child.printed(/b\.json:1 is not JSON/);
    shop.write('schemas/b.json', schemaOf('b', '1-0-1'));
    utimesSync(join(shop.folder, 'schemas/b.json'), 1, 1);
    await child.printed(/2 schemas, written\n[\s\S]*2 schemas, written\n/);
    child.kill('SIGINT');
    expect(await child.exited).toEqual({ code: 0, signal: null });
  } finally {
    await child.stop();
  }
});

it('follows links to files', async () => {
  shop.write('elsewhere/a.json', schemaOf('a'));
  mkdirSync(join(shop.folder, 'schemas'));
  symlinkSync(join(shop.folder, 'elsewhere/a.json'), join(shop.folder, 'schemas/a.json'));
  expect(await shop.run(['schemas', ...OUT])).toMatchObject({ code: 0 });
});
