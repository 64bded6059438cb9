// A raw collector that counts by event id, because the package's own holds only the newest, and answers by a request's content.
import { answer, type Reaction, startScriptedCollector } from './scripted-collector';

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
  const collector = await startScriptedCollector();
  const state = { answer: 200 as RecordingCollector['answer'], largest: 0, requests: 0 };
  const counting: Reaction = {
    commits: false,
    async run(socket, request) {
      const eids = request.events.map(({ eid }) => eid as string);
      const status = typeof state.answer === 'number' ? state.answer : await state.answer(eids);
      state.requests++;
      state.largest = Math.max(state.largest, eids.length);
      if (status === 200) for (const eid of eids) collector.take(eid);
      await answer(status).run(socket, request);
    },
  };
  collector.otherwise = counting;
  return {
    url: collector.url,
    taken: collector.taken,
    get largest() {
      return state.largest;
    },
    get requests() {
      return state.requests;
    },
    get answer() {
      return state.answer;
    },
    set answer(status) {
      state.answer = status;
    },
    async waitFor(count, timeoutMs = 30_000) {
      await collector.took(count, timeoutMs);
    },
    close: () => collector.close(),
  };
}
