// Registries over HTTP: an Iglu server and a static one on loopback, keys that stay with their registry, and answers that are none.
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { schemaOf, Workshop } from './command';

const KEY = '5fb4713d-73ad-4163-93a9-2b82f0177c5b';
const OUT = ['--out', 'tracking.ts'];
const BASKET = 'iglu:com.acme/basket/jsonschema/1-0-0';

let shop: Workshop;
const servers: Server[] = [];
beforeEach(() => {
  shop = new Workshop();
});
afterEach(() => {
  shop.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Recorded {
  readonly url: string;
  readonly asked: Pick<IncomingMessage, 'url' | 'headers'>[];
}

/** Answers for the paths that it has, as JSON; what is no text is one answer of a status alone. */
async function registry(answers: Readonly<Record<string, unknown>>, apikey?: string): Promise<Recorded> {
  const asked: Recorded['asked'] = [];
  const url = await serve(({ url: path = '', headers }, response) => {
    asked.push({ url: path, headers });
    const isAllowed = apikey === undefined || headers['apikey'] === apikey;
    const answer = isAllowed ? answers[path] : undefined;
    if (typeof answer === 'number') response.writeHead(answer).end('{"message":"no"}');
    else if (answer === undefined) response.writeHead(404).end('{"message":"The schema is not found"}');
    else response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  return { url, asked };
}

/** The paths of an Iglu server: each schema, and the listing. */
function igluServer(...versions: string[]): Record<string, unknown> {
  const path = '/api/schemas/com.acme/basket/jsonschema';
  return Object.fromEntries([
    [path, versions.map((version) => `iglu:com.acme/basket/jsonschema/${version}`)],
    ...versions.map((version) => [`${path}/${version}`, schemaOf('basket', version)] as const),
  ]) as Record<string, unknown>;
}

const types = (...args: string[]) => shop.run([...args, ...OUT]);

describe('an Iglu server', () => {
  it.each(['', '/', '/api', '/api/'])('is found by its address with %j behind it', async (path) => {
    const { url } = await registry(igluServer('1-0-0'));
    expect(await types(BASKET, '--iglu', url + path)).toMatchObject({
      code: 0,
      stdout: 'tracking.ts: 1 schema, written\n',
    });
  });

  it('lists versions, of which the newest is taken', async () => {
    const { url } = await registry(igluServer('1-0-9', '1-1-0', '1-0-10', '2-0-0'));
    await types('iglu:com.acme/basket/jsonschema/1-*-*', '--iglu', url);
    expect(shop.read('tracking.ts')).toContain('basket/jsonschema/1-1-0');
    await types('iglu:com.acme/basket/jsonschema/1-0-*', '--iglu', url);
    expect(shop.read('tracking.ts')).toContain('basket/jsonschema/1-0-10');
    expect(await types('iglu:com.acme/basket/jsonschema/3-*-*', '--iglu', url)).toMatchObject({ code: 2 });
  });

  it('lists schemas in full', async () => {
    const answers = igluServer('1-0-0');
    answers['/api/schemas/com.acme/basket/jsonschema'] = [schemaOf('basket')];
    const { url } = await registry(answers);
    expect(await types('iglu:com.acme/basket/jsonschema/1-*-*', '--iglu', url)).toMatchObject({ code: 0 });
  });

  it('is one of several, and files come first', async () => {
    const [first, second] = [await registry({}), await registry(igluServer('1-0-0'))];
    expect(await types(BASKET, '--iglu', first.url, '--iglu', second.url)).toMatchObject({ code: 0 });
    expect(first.asked.length).toBeGreaterThan(0);
    const before = second.asked.length;
    shop.write('schemas/basket.json', schemaOf('basket'));
    expect(await types('schemas', BASKET, '--iglu', second.url)).toMatchObject({ code: 0 });
    expect(second.asked.length).toBe(before);
  });
});

describe('a static registry', () => {
  it('gives a version that is named, and has no listing', async () => {
    const path = '/schemas/com.acme/basket/jsonschema';
    const { url } = await registry({ [`${path}/1-0-0`]: schemaOf('basket'), [path]: '<html>Index of</html>' });
    expect(await types(BASKET, '--iglu', url)).toMatchObject({ code: 0 });
    const { code, stderr } = await types('iglu:com.acme/basket/jsonschema/1-*-*', '--iglu', url);
    expect(stderr).toContain(`${url} has no listing of its schemas`);
    expect(stderr).toContain('name the version');
    expect(code).toBe(2);
  });
});

describe('a key', () => {
  const keyed = (...args: string[]) => shop.run([...args, ...OUT], { IGLU_KEY: KEY });

  it('goes to the registry before it alone, and is never shown', async () => {
    const [open, closed] = [await registry({}), await registry(igluServer('1-0-0'), KEY)];
    const { code, stdout, stderr } = await keyed(BASKET, '--iglu', open.url, '--iglu', closed.url, '--apikey-env', 'IGLU_KEY'); // prettier-ignore
    expect(code).toBe(0);
    expect(open.asked.map(({ headers }) => headers['apikey'])).not.toContain(KEY);
    expect(closed.asked.map(({ headers }) => headers['apikey'])).toContain(KEY);
    expect(stdout + stderr + shop.read('tracking.ts')).not.toContain(KEY);
  });

  it('goes to the first registry where it stands before them', async () => {
    const [closed, open] = [await registry(igluServer('1-0-0'), KEY), await registry({})];
    const args = [BASKET, '--apikey-env', 'IGLU_KEY', '--iglu', closed.url, '--iglu', open.url];
    expect(await keyed(...args)).toMatchObject({ code: 0 });
    expect(await keyed('iglu:com.acme/other/jsonschema/1-0-0', ...args)).toMatchObject({ code: 2 });
    expect(open.asked.length).toBeGreaterThan(0);
    expect(open.asked.map(({ headers }) => headers['apikey'])).not.toContain(KEY);
  });

  it('does not follow a redirect to another origin', async () => {
    const other = await registry({ '/stolen': schemaOf('basket') });
    const url = await serve((_request, response) => response.writeHead(302, { location: `${other.url}/stolen` }).end());
    expect(await keyed(BASKET, '--iglu', url, '--apikey-env', 'IGLU_KEY')).toMatchObject({ code: 0 });
    expect(other.asked.map(({ headers }) => headers['apikey'])).toEqual([undefined]);
  });

  it('has to be in the variable, as text that a header takes', async () => {
    const { url } = await registry(igluServer('1-0-0'));
    const args = [BASKET, '--iglu', url, '--apikey-env', 'IGLU_KEY', ...OUT];
    for (const env of [{}, { IGLU_KEY: '' }, { IGLU_KEY: 'two\nlines' }] as Record<string, string>[]) {
      const { code, stderr } = await shop.run(args, env);
      expect(stderr).toBe(
        '--apikey-env must be the name of a variable that holds a key, got "IGLU_KEY". See --help.\n',
      );
      expect(code).toBe(5);
    }
    const { code, stderr } = await shop.run([BASKET, '--apikey-env', 'IGLU_KEY', ...OUT], { IGLU_KEY: KEY });
    expect([code, stderr]).toEqual([5, '--apikey-env must be given with the --iglu whose key it names. See --help.\n']);
  });

  it('that is missing or wrong is said with the answer', async () => {
    const { url } = await registry({ '/api/schemas/com.acme/basket/jsonschema/1-0-0': 403 });
    const { code, stderr } = await types(BASKET, '--iglu', `${url}/api`);
    expect(stderr).toContain('answered 403: name its key by --apikey-env');
    expect(code).toBe(3);
  });
});

describe('no answer', () => {
  it('of a registry that is not there: 3, with and without --check', async () => {
    const { code, stderr } = await types(BASKET, '--iglu', 'http://127.0.0.1:1');
    expect(stderr).toMatch(/127\.0\.0\.1:1\/schemas\/com\.acme\/basket\/jsonschema\/1-0-0 cannot be reached: /);
    expect(code).toBe(3);
    expect(await types(BASKET, '--iglu', 'http://127.0.0.1:1', '--check')).toMatchObject({ code: 3 });
  });

  it('but an error, a broken connection, a redirect without end: 3', async () => {
    const urls = [
      await serve((_request, response) => response.writeHead(500).end()),
      await serve((request) => request.socket.destroy()),
      await serve((_request, response) => response.writeHead(302, { location: '/again' }).end()),
      await serve((_request, response) => response.writeHead(302, { location: 'file:///etc/hosts' }).end()),
    ];
    for (const url of urls) expect(await types(BASKET, '--iglu', url)).toMatchObject({ code: 3 });
  });

  it('but no schema, or another one: 4', async () => {
    const path = '/schemas/com.acme/basket/jsonschema/1-0-0';
    for (const answer of ['<html>', { type: 'object' }, schemaOf('other')]) {
      const { url } = await registry({ [path]: answer });
      const { code, stderr } = await types(BASKET, '--iglu', url);
      expect(stderr).toContain(`${url}${path}`);
      expect(code).toBe(4);
    }
  });

  it('of an address that is none, whose password is not repeated: 5', async () => {
    for (const address of ['http://', 'http://user:hunter2@127.0.0.1', 'http://127.0.0.1/?key=hunter2', './nowhere']) {
      const { code, stderr } = await types(BASKET, '--iglu', address);
      expect(stderr).toMatch(/^--iglu must be /);
      expect(stderr).not.toContain('hunter2');
      expect(code).toBe(5);
    }
  });
});
