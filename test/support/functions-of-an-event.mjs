// Counts the package's functions that one event passes, from the middleware's call to onSuccess: `node <this> express|nest`, with the built
// package. The second of two equal requests is counted, so nothing of the start is in it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Session } from 'node:inspector/promises';
import { createRequire } from 'node:module';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const require = createRequire(import.meta.url);
const framework = process.argv[2] ?? 'express';

const sink = createServer((request, response) => request.resume().on('end', () => response.end())).listen(
  0,
  '127.0.0.1',
);
await once(sink, 'listening');

let acknowledged;
const options = {
  endpoint: `http://127.0.0.1:${sink.address().port}`,
  namespace: 'web',
  appId: 'shop',
  emitter: { batchSize: 1, onSuccess: () => acknowledged() },
};

const start = { express: startExpress, nest: startNest }[framework];
const app = await start();

async function startExpress() {
  const express = require('express');
  const { snowplow } = require(`${DIST}express/index.js`);
  const app = express();
  app.use(snowplow(options));
  app.get('/', (req, res) => {
    req.tracker.trackStructEvent({ category: 'shop', action: 'add-to-basket', label: 'pcs', value: 2 });
    res.send('ok');
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: server.address().port, close: () => server.close() };
}

async function startNest() {
  require('reflect-metadata');
  const { Controller, Get, Module } = require('@nestjs/common');
  const { NestFactory } = require('@nestjs/core');
  const { SnowplowModule, TrackStructEvent } = require(`${DIST}nest/index.js`);
  class Shop {
    basket() {
      return 'ok';
    }
  }
  const basket = Object.getOwnPropertyDescriptor(Shop.prototype, 'basket');
  TrackStructEvent({ category: 'shop', action: 'add-to-basket', label: 'pcs', value: 2 })(
    Shop.prototype,
    'basket',
    basket,
  );
  Get()(Shop.prototype, 'basket', basket);
  Controller()(Shop);
  class App {}
  Module({ imports: [SnowplowModule.forRoot(options)], controllers: [Shop] })(App);
  const app = await NestFactory.create(App, { logger: false });
  await app.listen(0, '127.0.0.1');
  return { port: app.getHttpServer().address().port, close: () => app.close() };
}

async function ask() {
  const sent = new Promise((resolve) => (acknowledged = resolve));
  const answer = await fetch(`http://127.0.0.1:${app.port}/`, {
    headers: {
      cookie:
        '_sp_id.1fff=0f5d3c1e-7a56-4f0e-9a52-6c1f6a0e2b11.1700000000.1.1700000000.1700000000.6c1f6a0e-7a56-4f0e-9a52-0f5d3c1e2b11',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)',
      'accept-language': 'et',
    },
  });
  await answer.text();
  await sent;
  await new Promise((resolve) => setTimeout(resolve, 100));
}

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await ask();
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
await ask();
const { result } = await session.post('Profiler.takePreciseCoverage');
const used = [];
let calls = 0;
for (const { url, functions } of result) {
  if (!url.startsWith('file:') && !url.startsWith('/')) continue;
  const path = url.startsWith('file:') ? fileURLToPath(url) : url;
  if (!path.startsWith(DIST)) continue;
  const file = path.slice(DIST.length).replace(/\.js$/, '').split(sep).join('/');
  for (const { functionName, ranges } of functions) {
    const [{ count, startOffset }] = ranges;
    // The module's own body has no name, and begins at 0.
    if (count === 0 || (startOffset === 0 && functionName === '')) continue;
    calls += count;
    used.push({ file, name: functionName || `(at ${startOffset})`, count });
  }
}
console.log(JSON.stringify({ functions: used.length, files: new Set(used.map(({ file }) => file)).size, calls, used }));
await app.close();
sink.close();
sink.closeAllConnections();
process.exit(0);
