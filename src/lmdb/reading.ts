// What waits in a queue, read from the file in the order of arrival.
import type { EncodedEvent } from '../core/emitter';
import { fromRecord, RECORD_OVERHEAD } from './event-record';
import { Queue } from './queue';
import type { QueueFile } from './queue-file';

// So many records at a time: meanwhile no other process can accept an event.
const COUNTED_AT_ONCE = 1_000;

interface Waiting {
  readonly number: number;
  /** undefined when its record is not what was written. */
  readonly event: EncodedEvent | undefined;
  /** Of the record. */
  readonly bytes: number;
}

/** A queue that another process has left, with what waits in it. */
export function existingQueue(file: QueueFile, id: number): Queue {
  const queue = new Queue(id);
  for (const lane of [0, 1] as const)
    for (let from: number | undefined = 0; from !== undefined;)
      from = file.transact((): number | undefined => {
        let counted = 0;
        for (const { number, record } of file.records(id, lane, from as number)) {
          if (counted++ === COUNTED_AT_ONCE) return number;
          queue.lanes[lane].add(1, record.length - RECORD_OVERHEAD);
          queue.held++;
        }
        return undefined;
      });
  return queue;
}

/** The lane whose first event is the oldest; undefined when none waits. Inside a transaction. */
export function oldestLane(file: QueueFile, { id, lanes }: Queue): 0 | 1 | undefined {
  const filled = ([0, 1] as const).filter((lane) => lanes[lane].size > 0);
  if (filled.length < 2) return filled[0];
  const [plain, anonymous] = filled.map(
    (lane) => lanes[lane].returned[0] ?? file.first(id, lane, lanes[lane].next) ?? Infinity,
  ) as [number, number];
  return plain < anonymous ? 0 : 1;
}

/** What waits in a lane: first what was given back, then what was never taken. Inside a transaction. */
export function* waiting(file: QueueFile, { id, lanes }: Queue, index: 0 | 1): Generator<Waiting> {
  const lane = lanes[index];
  for (const number of lane.returned) yield fromFile(number, file.read([id, index, number]) ?? new Uint8Array());
  if (lane.recent)
    for (const [number, event] of lane.recent) yield { number, event, bytes: event.bytes + RECORD_OVERHEAD };
  else for (const { number, record } of file.records(id, index, lane.next)) yield fromFile(number, record);
}

const fromFile = (number: number, record: Uint8Array): Waiting => ({
  number,
  event: fromRecord(record),
  bytes: record.length,
});
