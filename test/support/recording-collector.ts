// A collector of real sockets that remembers which event ids it took, and how often; what it answers can be changed.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordingCollector {
  readonly url: string;
  /** How often each event was taken. */
  readonly taken: Map<string, number>;
  /** Most events that one request carried. */
  readonly largest: number;
  readonly requests: number;
  /** The status of the next answers; by default 200. Given a function, asked with the event ids of each request. */
  answer: number | ((eids: string[]) => number | Promise<number>);
  /** Waits until at least so many different events were taken. */
  waitFor(count: number, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

export async function startRecordingCollector(): Promise<RecordingCollector> {
  const taken = new Map<string, number>();
  const state = { answer: 200 as RecordingCollector['answer'], largest: 0, requests: 0 };
  const take = async (body: string, response: ServerResponse): Promise<void> => {
    const eids = (JSON.parse(body) as { data: { eid: string }[] }).data.map(({ eid }) => eid);
    const status = typeof state.answer === 'number' ? state.answer : await state.answer(eids);
    state.requests++;
    state.largest = Math.max(state.largest, eids.length);
    if (status === 200) for (const eid of eids) taken.set(eid, (taken.get(eid) ?? 0) + 1);
    response.writeHead(status).end();
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => void take(Buffer.concat(chunks).toString(), response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    get largest() {
      return state.largest;
    },
    get requests() {
      return state.requests;
    },
    get answer() {
      return state.answer;
    },
    set answer(answer) {
      state.answer = answer;
    },
    async waitFor(count, timeoutMs = 30_000) {
      const deadline = Date.now() + timeoutMs;
      while (taken.size < count) {
        if (Date.now() > deadline) throw new Error(`the collector has ${taken.size} of ${count} events`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
