// closeOnShutdown and the middleware's `shutdown`, in separate processes that get real signals.
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import { Child } from '../../support/child';

// The lines of the README's first screen, with another address and a port of the system's choice.
const THREE_LINES = (endpoint: string): string => `
  const express = require('express');
  const app = express();
  const { snowplow } = require('snowplow-middleware/express');
  app.use(snowplow({ endpoint: '${endpoint}', namespace: 'web', appId: 'shop', shutdown: { signals: ['SIGTERM', 'SIGINT'] } }));
  app.get('/basket', (req, res) => {
    req.tracker.trackStructEvent({ category: 'shop', action: 'add-to-basket', label: 'pcs', value: 2 });
    res.send('ok');
  });
  app.get('/slow', (req, res) => setTimeout(() => {
    req.tracker.trackStructEvent({ category: 'shop', action: 'slow' });
    res.send('ok');
  }, 700));
  const server = app.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port));
`;

const DROPS =
  "appId: 'shop', emitter: { onDrop: ({ events, reason }) => console.log('dropped ' + events.length + ' ' + reason) },";

describe('an app that is told to stop', () => {
  let collector: Collector;
  let child: Child;

  beforeEach(async () => {
    collector = await startCollector();
  });
  afterEach(async () => {
    await child.stop();
    await collector.close();
  });
  const start = async (
    source = THREE_LINES(collector.url),
    make = (text: string) => Child.program(text),
  ): Promise<string> => {
    child = make(source);
    return `http://127.0.0.1:${(await child.printed(/listening on (\d+)/))[1]}`;
  };

  it.each(['SIGTERM', 'SIGINT'] as const)('loses nothing of the three pasted lines on %s', async (signal) => {
    const url = await start();
    for (let visit = 0; visit < 3; visit++) await fetch(`${url}/basket`);
    child.kill(signal);
    expect(await child.exited).toEqual({ code: null, signal });
    expect(collector.good()).toHaveLength(3);
  });

  it('lets a request in flight end and sends its event, with idle and busy keep-alive connections open', async () => {
    const url = await start();
    const idle = connect(Number(new URL(url).port), '127.0.0.1');
    idle.on('error', () => {});
    idle.write('GET /basket HTTP/1.1\r\nHost: a\r\n\r\n');
    await new Promise((resolve) => idle.once('data', resolve));
    const slow = fetch(`${url}/slow`);
    await new Promise((resolve) => setTimeout(resolve, 150));
    child.kill('SIGTERM');
    expect((await slow).status).toBe(200);
    expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
    expect(collector.good().map(({ payload }) => payload['se_ac'])).toEqual(
      expect.arrayContaining(['add-to-basket', 'slow']),
    );
  });

  it('ends on a signal even when no request has come yet', async () => {
    await start();
    child.kill('SIGTERM');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
  });

  it('skips the wait on a second signal, and says what is lost by it', async () => {
    collector.fail({ connection: 'hang' });
    const url = await start(
      THREE_LINES(collector.url)
        .replace("'SIGINT'] }", "'SIGINT'], timeoutMs: 600_000 }")
        .replace("appId: 'shop',", DROPS),
    );
    await fetch(`${url}/basket`);
    child.kill('SIGTERM');
    // The first signal has been acted on when nobody is listening any more.
    while (
      await fetch(url).then(
        () => true,
        () => false,
      )
    );
    child.kill('SIGTERM');
    expect(await child.exited).toEqual({ code: 128 + 15, signal: null });
    expect(child.output).toContain('dropped 1 shutdown');
  });

  it('ends within its deadline, and says what is lost, when the collector hangs', async () => {
    collector.fail({ connection: 'hang' });
    const url = await start(THREE_LINES(collector.url).replace("appId: 'shop',", DROPS));
    await fetch(`${url}/basket`);
    child.kill('SIGTERM');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
    expect(child.output).toContain('dropped 1 shutdown');
  });

  it('leaves the end of the process to whoever else listens for the signal', async () => {
    const url = await start(
      `${THREE_LINES(collector.url)}
       process.on('SIGTERM', () => setTimeout(() => { console.log('the other one ends it'); process.exit(7); }, 1500));`,
    );
    await fetch(`${url}/basket`);
    child.kill('SIGTERM');
    expect(await child.exited).toEqual({ code: 7, signal: null });
    expect(child.output).toContain('the other one ends it');
    expect(collector.good()).toHaveLength(1);
  });

  it('ends as PID 1 of a container, where a signal raised again is ignored', async () => {
    const url = await start(
      undefined,
      (source) =>
        new Child('unshare', [
          '--pid',
          '--fork',
          '--kill-child',
          process.execPath,
          '-e',
          `console.log('pid ' + process.pid);${source}`,
        ]),
    );
    expect(child.output).toContain('pid 1\n');
    await fetch(`${url}/basket`);
    // The signal goes to the app itself, which is the only child of unshare.
    const { readFileSync } = await import('node:fs');
    const [pid] = readFileSync(`/proc/${child.process.pid}/task/${child.process.pid}/children`, 'utf8')
      .trim()
      .split(' ');
    process.kill(Number(pid), 'SIGTERM');
    expect(await child.exited).toEqual({ code: 128 + 15, signal: null });
    expect(collector.good()).toHaveLength(1);
  });

  it('waits for a request in flight on behalf of every middleware of the app', async () => {
    const url = await start(
      `${THREE_LINES(collector.url)}
       app.use(snowplow({ endpoint: '${collector.url}', namespace: 'audit', shutdown: { signals: ['SIGTERM'] } }));
       app.get('/order', (req, res) => {
         console.log('in flight');
         const trackers = [req.tracker, require('snowplow-middleware').currentTracker('audit')];
         process.once('SIGUSR2', () => {
           for (const tracker of trackers) tracker.trackScreenView({ name: 'order' });
           res.send('ok');
         });
       });`,
    );
    const order = fetch(`${url}/order`);
    await child.printed(/in flight/, 30_000);
    child.kill('SIGTERM');
    // It has been acted on when nobody is listening any more.
    while (
      await fetch(url).then(
        () => true,
        () => false,
      )
    );
    child.kill('SIGUSR2');
    expect((await order).status).toBe(200);
    expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
    expect(collector.good()).toHaveLength(2);
  });

  it('flushes when the server closes, where no signal was named', async () => {
    const url = await start(
      `${THREE_LINES(collector.url).replace(", shutdown: { signals: ['SIGTERM', 'SIGINT'] }", '')}
       app.get('/stop', (req, res) => { res.set('connection', 'close').send('bye'); server.close(); });`,
    );
    await fetch(`${url}/basket`);
    await fetch(`${url}/stop`);
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(collector.good()).toHaveLength(1);
  });
});
