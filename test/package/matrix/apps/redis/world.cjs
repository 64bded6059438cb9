// What every program here works with: a Redis of its own, a collector, and the ids of events that it offers.
const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, rmSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { pageView, Tracker } = require('snowplow-middleware');
const { startCollector } = require('snowplow-middleware/collector');

const until = async (what, holds) => {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const freePort = async () => {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
};

const answers = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.unref();
  });

async function startRedis() {
  const binary = ['redis-server', 'valkey-server'].find((name) => spawnSync(name, ['--version']).status === 0);
  assert.ok(binary, 'no Redis server was found: npm run setup');
  const directory = mkdtempSync(join(tmpdir(), 'matrix-redis-'));
  const port = await freePort();
  // It keeps its lists over a stop, which is less than it should.
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, '--save', '3600 1'];
  let server;
  const start = async () => {
    server = spawn(binary, settings, { stdio: 'ignore' });
    await until('Redis answers', () => answers(port));
  };
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill();
    await gone;
  };
  await start();
  return { port, url: `redis://127.0.0.1:${port}`, start, stop, remove: () => rmSync(directory, { recursive: true }) };
}

/** Runs `check` with a Redis and a collector, and prints `ok` when it went well. */
async function inWorld(check) {
  const redis = await startRedis();
  const collector = await startCollector();
  const arrived = () => collector.good().map(({ payload }) => payload.eid);
  /** Tracks page views by the emitter, and answers their ids. */
  const offer = (emitter, count) => {
    const tracker = new Tracker({ emitters: emitter, namespace: 'matrix' });
    return Array.from({ length: count }, (_each, index) =>
      tracker.track(pageView({ pageUrl: `https://a.example/${index}` })),
    );
  };
  try {
    await check({ redis, collector, arrived, offer, until });
    console.log('ok');
  } finally {
    await collector.close();
    await redis.stop();
    redis.remove();
  }
}

module.exports = { assert, inWorld };
