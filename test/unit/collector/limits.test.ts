// The collector's limits: too many connections, too much of everything.
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startCollector, type Collector } from 'snowplow-middleware/collector';
import { pageView, post } from './requests';

let collector: Collector;
let sockets: Socket[];
beforeEach(async () => {
  collector = await startCollector();
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await collector.close();
});

const dial = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(collector.url).port), '127.0.0.1', () => resolve(socket));
    sockets.push(socket.on('error', reject));
  });

it('takes 64 connections and drops the next', async () => {
  await Promise.all(Array.from({ length: 64 }, dial));
  const next = await dial();
  await new Promise((resolve) => next.once('close', resolve));
  expect(sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(64);
});

it('answers 400 to headers above 40,960 bytes', async () => {
  const response = await post(collector.url, [pageView()], { headers: { 'x-long': 'x'.repeat(40_960) } });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('headers');
});

it('cuts off a body that does not end', async () => {
  const socket = await dial();
  socket.write('POST /com.snowplowanalytics.snowplow/tp2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.removeAllListeners('error').on('error', () => {});
  const pour = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', pour).resume();
  pour();
  await closed;
  expect(collector.requests().every(({ answer }) => answer === 413)).toBe(true);
  expect((await post(collector.url, [pageView()])).status).toBe(200);
});

it('holds no more than its bounds under a flood', async () => {
  const flood = async (): Promise<number> => {
    for (let i = 0; i < 100; i++)
      await post(
        collector.url,
        Array.from({ length: 100 }, () => pageView()),
      );
    return collector.good().length;
  };
  expect([await flood(), await flood(), await flood()]).toEqual([1_000, 1_000, 1_000]);
  expect(collector.requests()).toHaveLength(300);
});

it('keeps little of long headers, long keys and many findings', async () => {
  for (let i = 0; i < 300; i++)
    await post(collector.url, [pageView()], { headers: { 'x-long': 'x'.repeat(39_000), 'sp-anonymous': '*' } });
  expect(collector.requests().length).toBeLessThan(250);
  expect(collector.good().length).toBeLessThan(250);
  collector.reset();
  const keys = Array.from({ length: 50_000 }, (_, n) => [`key-${n}`, 'x']);
  await post(collector.url, [{ ...Object.fromEntries(keys), ['k'.repeat(100_000)]: 'x' }]);
  await post(collector.url, [{ ['k'.repeat(900_000)]: 'x' }]);
  const [many, long] = collector.bad();
  expect(many!.errors).toHaveLength(100);
  expect(JSON.stringify(long!.errors).length).toBeLessThan(5_000);
});

it('survives clients that disconnect during a request', async () => {
  for (let i = 0; i < 20; i++) {
    const socket = await dial();
    socket.write('POST /com.snowplowanalytics.snowplow/tp2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
    socket.destroy();
  }
  expect((await post(collector.url, [pageView()])).status).toBe(200);
  expect(collector.good()).toHaveLength(1);
});
