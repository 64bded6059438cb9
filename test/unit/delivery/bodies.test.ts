// The memory of a request's body is used again for another's, and never before the first has left.
import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Emitter } from 'snowplow-middleware';
import { expect, it, vi } from 'vitest';
import { BodyMemory } from '../../../src/delivery/http/collector-transport';
import { sampleEvent } from '../../support/feed';

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const HEAD_END = '\r\n\r\n';

/** The bodies of the requests that came one after another, the last one whole. */
function bodiesOf(bytes: Buffer): string[] {
  const bodies: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const start = bytes.indexOf(HEAD_END, at) + HEAD_END.length;
    const length = Number(/content-length: (\d+)/i.exec(bytes.toString('latin1', at, start))?.[1]);
    bodies.push(bytes.toString('utf8', start, start + length));
    at = start + length;
  }
  return bodies;
}

it('a collector that answers before it has read gets each body as it was meant', async () => {
  const chunks: Buffer[] = [];
  let socket: Socket | undefined;
  // An answer that comes before its request would end the connection.
  let begun = 0;
  const onHead = (): void => void begun++;
  subscribe('undici:client:sendHeaders', onHead);
  const server = createServer((connection) => {
    socket = connection.on('data', (chunk: Buffer) => void chunks.push(chunk)).pause();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const emitter = new Emitter(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    batchSize: 60,
    maxBatchSize: 60,
    maxPostBytes: 4_000_000,
    requestTimeoutMs: 30_000,
  });
  // More than the system takes off the process's hands, each large enough to fill what is left.
  const batches = ['a', 'b', 'c', 'd', 'e'].map((filling) =>
    Array.from({ length: 60 }, () => {
      const eid = randomUUID();
      return { ...sampleEvent(eid), eid, co: filling.repeat(60_000) };
    }),
  );
  for (const [index, batch] of batches.entries()) {
    for (const event of batch) emitter.input(event);
    await vi.waitFor(() => expect([socket?.readable, begun]).toEqual([true, index + 1]), 30_000);
    socket?.write(ANSWER);
    await vi.waitFor(() => expect(emitter.stats().sent).toBe(60 * (index + 1)), 30_000);
  }
  unsubscribe('undici:client:sendHeaders', onHead);
  expect(chunks, 'what has been read by now').toEqual([]);
  const whole = batches.flat().reduce((total, event) => total + JSON.stringify(event).length, 0);
  socket?.resume();
  await vi.waitFor(
    () => expect(chunks.reduce((total, { length }) => total + length, 0)).toBeGreaterThan(whole),
    30_000,
  );
  const bodies = bodiesOf(Buffer.concat(chunks)).map((body) => (JSON.parse(body) as { data: unknown[] }).data);
  const sent = batches.map((batch) => batch.map(({ eid, co }) => expect.objectContaining({ eid, co }) as unknown));
  expect(bodies).toEqual(sent);
  await emitter.close();
  socket?.destroy();
  server.close();
});

it('memory that came back is given out again where it is large enough, and no more of it is kept than a few MiB', () => {
  const memory = new BodyMemory();
  const first = memory.take(20_000);
  memory.giveBack(first);
  const second = memory.take(10_000);
  expect([second.length, second.buffer === first.buffer]).toEqual([10_000, true]);
  memory.giveBack(second);
  expect(memory.take(40_000).buffer).not.toBe(first.buffer);

  const many = Array.from({ length: 100 }, () => memory.take(100_000));
  for (const body of many) memory.giveBack(body);
  const buffers = new Set(many.map(({ buffer }) => buffer));
  const again = Array.from({ length: 100 }, () => memory.take(100_000)).filter(({ buffer }) => buffers.has(buffer));
  expect(again.length * 100_000).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(again.length).toBeGreaterThan(30);
});
