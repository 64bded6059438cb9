// Floods: what a client can cause is bounded, in events, in log lines and in work for each string.
import { request } from 'node:http';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { createTracker, type Logger } from '../../../src';
import { snowplow } from '../../../src/express';
import { startScriptedCollector } from '../../support/scripted-collector';
import { fields } from '../../support/request-fields';
import { frameworks } from './apps';
import { goTo } from '../../support/go-to';

describe.each(frameworks)('an app on %s', (_name, start) => {
  it('T33: makes one page view of one request at most, and one line of a thousand refusals', async () => {
    const collector = await startScriptedCollector();
    const lines: string[] = [];
    const write = (message: string): void => void lines.push(message);
    const logger: Logger = { debug: write, info: write, warn: write, error: write };
    const tracker = createTracker({ endpoint: collector.url, logger, contracts: 'log' });
    const app = await start({ tracker, pageViews: true, entities: () => ['no entity'] as never }, (own) => {
      for (let index = 0; index < 100; index++) own.trackStructEvent({ category: '', action: '' });
    });
    for (let visit = 0; visit < 10; visit++) await goTo(app.url);
    await tracker.close();
    await app.close();
    expect(collector.taken.size).toBeLessThanOrEqual(10);
    const { refused, offered } = tracker.stats();
    expect(offered).toBe(1_010);
    expect(refused.invalid).toBeGreaterThanOrEqual(1_000);
    expect(lines.length).toBeLessThan(10);
    await collector.close();
  });
});

it('T4: a visitor who comes through a Unix socket has no address', async () => {
  const collector = await startScriptedCollector();
  const folder = mkdtempSync(join(tmpdir(), 'socket-'));
  const app = express();
  app.use(snowplow({ endpoint: collector.url, pageViews: true, emitter: { batchSize: 1 } }));
  app.get('/', (_req, res) => void res.type('html').send('ok'));
  const server = createServer(app);
  const path = join(folder, 'app.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await new Promise<void>((resolve) =>
    request({ socketPath: path, path: '/' }, (answer) => answer.resume().once('end', resolve)).end(),
  );
  await collector.took(1);
  expect(collector.requests[0]?.events[0]).not.toHaveProperty('ip');
  await new Promise((resolve) => server.close(resolve));
  await collector.close();
  rmSync(folder, { recursive: true, force: true });
});

// Node lets 16 KiB of headers through. Work that grows with the square of that takes a hundred times what is allowed here.
const LENGTH = 16_000;
const ATOMS = [
  'a',
  '_',
  '-',
  '.',
  ';',
  '&',
  '=',
  '%',
  '%25',
  '%3d',
  '?',
  '#',
  '/',
  '//',
  '[',
  ':',
  '@',
  ' ',
  ',',
  'eyJ',
  'eyJa.',
  'eyJ.a',
  '_sp_id.',
  '_sp_id.1fff=',
  '_sp=',
  'a=b&',
  'a;b=',
  '\u00e9',
  '0',
  '::',
  '1.',
  'en-',
  'x[',
  'token',
  '=&',
];
const BOUND_MS = 100;

describe('T32: a string of 16,000 characters made to be slow', () => {
  const quickest = (run: () => void): number => {
    let best = Infinity;
    for (let round = 0; round < 5 && best >= BOUND_MS / 4; round++) {
      const started = performance.now();
      run();
      best = Math.min(best, performance.now() - started);
    }
    return best;
  };

  it.each(['ip', 'host', 'protocol', 'originalUrl', 'userAgent', 'acceptLanguage', 'cookie', 'referrer'] as const)(
    'costs little as %s',
    (fact) => {
      for (const atom of ATOMS)
        for (const [head, tail] of [
          ['', ''],
          ['', '!'],
          ['https://a.test/?', ''],
          ['/?', '\u0000'],
          ['_sp_id.1fff=', ';'],
          ['en', '!'],
          ['::', '%'],
        ] as const) {
          const value = head + atom.repeat(LENGTH / atom.length) + tail;
          expect(
            quickest(() => void fields({ [fact]: value })),
            `${fact}: ${head}${atom}…${tail}`,
          ).toBeLessThan(BOUND_MS);
        }
    },
  );
});
