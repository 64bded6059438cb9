// The same faults done to other trackers, by the same receiver: `npm run soak -- --peers`. They are installed for the run alone.
import { execFileSync, fork } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, inject, it } from 'vitest';

const OWN = 'snowplow-middleware';
const PEERS = ['@snowplow/node-tracker', '@segment/analytics-node', 'posthog-node'] as const;
const PATIENCE_MS = 90_000;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'peers-'));
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', ...PEERS], {
    cwd: folder,
  });
  symlinkSync(join(inject('root'), 'node_modules', OWN), join(folder, 'node_modules', OWN));
  mkdirSync(join(folder, 'run'));
  copyFileSync(join(__dirname, 'peer.mjs'), join(folder, 'run', 'peer.mjs'));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a receiver does with each request, after it has read it. */
type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A receiver of whatever a tracker sends: events are known by a label of their own, wherever it stands. */
class Receiver {
  requests = 0;
  readonly arrived = new Map<string, number>();
  readonly #server: Server;

  constructor(answer: Answer, taken: (response: ServerResponse) => boolean) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.requests++;
        const body = Buffer.concat(chunks);
        const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body).toString() : body.toString();
        answer(response, request);
        if (taken(response))
          for (const label of new Set(text.match(/peer-\d+-/g)))
            this.arrived.set(label, (this.arrived.get(label) ?? 0) + 1);
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function play(peer: string, setting: string, what: string, answer: Answer): Promise<object> {
  let hung = false;
  const receiver = new Receiver(answer, (response) => {
    hung ||= !response.headersSent && what === 'hung';
    return response.statusCode < 300 && !hung;
  });
  const endpoint = await receiver.listen();
  const started = performance.now();
  const child = fork(join(folder, 'run', 'peer.mjs'), [peer, setting, endpoint, what], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = {};
  let errors = '';
  child.on('message', (message: object) => (said = { ...said, ...message }));
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const end = await new Promise<string>((resolve) =>
    child.once('close', (code, signal) => resolve(String(signal ?? code))),
  );
  clearTimeout(late);
  await receiver.close();
  let arrivals = 0;
  for (const times of receiver.arrived.values()) arrivals += times;
  return {
    requests: receiver.requests, received: receiver.arrived.size, duplicates: arrivals - receiver.arrived.size,
    ...said, wholeMs: Math.round(performance.now() - started), end, ...(errors && { stderr: errors.slice(0, 200) }),
  }; // prettier-ignore
}

const say = (title: string, figures: object): void =>
  void process.stdout.write(`${JSON.stringify({ title, figures })}\n`);

const ok: Answer = (response) => void response.end('{"status":"ok"}');

it('does to others what it does to us', async () => {
  const { version } = JSON.parse(readFileSync(join(folder, 'node_modules', OWN, 'package.json'), 'utf8')) as {
    version: string;
  };
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  const versions = Object.fromEntries(PEERS.map((name) => [name, lock.packages[`node_modules/${name}`]?.version]));
  say('versions', { [OWN]: version, ...versions });
  for (const what of ['ends', 'redirected', 'overloaded', 'burst', 'hung'])
    for (const setting of what === 'burst' ? ['default', 'large'] : ['default'])
      for (const peer of [OWN, ...PEERS]) {
        const since = performance.now();
        const answers: Record<string, Answer> = {
          ends: ok,
          redirected: (response, request) => {
            if (performance.now() - since > 3_000 || request.url === '/elsewhere') return ok(response, request);
            response.writeHead(301, { location: '/elsewhere' }).end();
          },
          overloaded: (response) => void response.writeHead(503, { 'retry-after': '30' }).end(),
          burst: (response, request) => void setTimeout(ok, 20, response, request),
          hung: () => {},
        };
        say(
          `${what}${setting === 'large' ? ', large' : ''}: ${peer}`,
          await play(peer, setting, what, answers[what] as Answer),
        );
      }
});
