// The database file that the processes of one machine share: who owns which queue, what is used, and the events themselves.
import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { LastChange } from './last-change';

/** Where an event lies: its queue, its lane, its number. Text keys sort behind these, beside the newest events. */
export type EventKey = readonly [queue: number, lane: 0 | 1, number: number];

/** One record for all processes, changed inside the transaction that changes what it counts. */
export interface Usage {
  events: number;
  bytes: number;
  /** Queues made so far. */
  queues: number;
  /** Queues taken over so far: who finds it changed has to ask what is still his. */
  takeovers: number;
}

/** Who has a queue; nobody when the text is empty. */
export interface Ownership {
  readonly owner: string;
  /** Milliseconds on this machine's monotonic clock, which every process of it shares. */
  readonly beat: number;
}

const USAGE = '~usage';
// Read and written for every event, so without a new buffer each time.
const USAGE_RECORD = Buffer.alloc(32);
const OWNERSHIP = '~queue';
// Commit at once, to the operating system: survives the process, whatever becomes of it.
const COMMIT_NOW = 2;
const READ_ONLY = 0x20000;
const TRIES = 100;
const BEGIN_AGAIN = new Error('the event store changes too often by other means');

// What a byte of an event may cost on the disk before space that was used is used again.
const GROWTH = 4;
const RESERVE_BYTES = 1024 * 1024;
const LOOK_AGAIN_BYTES = 16 * 1024 * 1024;
// Others fill the disk too.
const LOOK_AGAIN_MS = 10;

// Exists at run time, and is missing in the package's types.
type Database = RootDatabase<Buffer> & { readonly env: object; sync(done: (error?: Error) => void): void };
/** LMDB's own class of transactions. */
export type Transaction = new (env: object, flags: number) => { abort(): void };

export class QueueFile {
  readonly #database: Database;
  readonly #path: string;
  readonly #reader: Transaction;
  readonly #lastChange: LastChange;
  #isEnlisted = false;
  #free = 0;
  #lookAgainAt = 0;
  #allowance = 0;

  constructor(database: RootDatabase<Buffer>, path: string, reader: Transaction) {
    this.#database = database as Database;
    this.#path = path;
    this.#reader = reader;
    this.#lastChange = new LastChange(database, path);
  }

  /**
   * Makes sure that the disk has room for so many bytes and for what else the process may have to write: removals need
   * space too, and without any the file could never be emptied. To be called before a write: one that fails inside LMDB
   * damages the memory of the process.
   */
  claim(bytes: number, used: number): void {
    const looked = this.#look();
    this.#allowance -= bytes * GROWTH;
    if (this.#allowance > 0 && !looked) return;
    // The file never shrinks, so what was removed leaves room inside it; pages are half full at worst.
    const inside = Math.max(0, statSync(join(this.#path, 'data.mdb')).size / 2 - used);
    this.#allowance = Math.min(this.#free - RESERVE_BYTES + inside, LOOK_AGAIN_BYTES);
    if (this.#allowance <= 0 || !this.hasRoom) throw new Error('the disk is full');
  }

  /** Whether there is room for what accepts nothing: a removal, a sign of life. */
  get hasRoom(): boolean {
    this.#look();
    return this.#free > RESERVE_BYTES / 2;
  }

  #look(): boolean {
    const now = performance.now();
    if (now < this.#lookAgainAt) return false;
    const { bavail, bsize } = statfsSync(this.#path);
    this.#free = bavail * bsize;
    this.#lookAgainAt = now + LOOK_AGAIN_MS;
    return true;
  }

  /** Runs `work` as one change of the file, alone among all processes; what it throws undoes the change. */
  transact<Result>(work: () => Result): Result {
    const change = (): Result => {
      if (!this.#lastChange.isBase()) throw BEGIN_AGAIN;
      return work();
    };
    for (let tries = 1; ; tries++)
      try {
        return this.#database.transactionSync(change, COMMIT_NOW);
      } catch (error) {
        if (error !== BEGIN_AGAIN || tries === TRIES) throw error;
      }
  }

  usage(): Usage {
    const record = this.#database.get(USAGE);
    if (!record) return { events: 0, bytes: 0, queues: 0, takeovers: 0 };
    return {
      events: record.readDoubleLE(0),
      bytes: record.readDoubleLE(8),
      queues: record.readDoubleLE(16),
      takeovers: record.readDoubleLE(24),
    };
  }

  setUsage({ events, bytes, queues, takeovers }: Usage): void {
    USAGE_RECORD.writeDoubleLE(events, 0);
    USAGE_RECORD.writeDoubleLE(bytes, 8);
    USAGE_RECORD.writeDoubleLE(queues, 16);
    USAGE_RECORD.writeDoubleLE(takeovers, 24);
    void this.#database.put(USAGE, USAGE_RECORD);
  }

  ownership(queue: number): Ownership | undefined {
    const record = this.#database.get([OWNERSHIP, queue]);
    return record && (JSON.parse(record.toString()) as Ownership);
  }

  setOwnership(queue: number, ownership: Ownership): void {
    void this.#database.put([OWNERSHIP, queue], Buffer.from(JSON.stringify(ownership)));
  }

  queues(): number[] {
    const keys = this.#database.getKeys({ start: [OWNERSHIP], end: [OWNERSHIP, Infinity] });
    return [...keys].map((key) => (key as [string, number])[1]);
  }

  removeQueue(queue: number): void {
    void this.#database.remove([OWNERSHIP, queue]);
  }

  add(key: EventKey, record: Buffer): void {
    void this.#database.put(key as unknown as number[], record);
  }

  /** @returns false when it was not there. */
  remove(key: EventKey): boolean {
    return this.#database.removeSync(key as unknown as number[]);
  }

  read(key: EventKey): Buffer | undefined {
    return this.#database.get(key as unknown as number[]);
  }

  /** The number of the first event of a lane from `from` on. */
  first(queue: number, lane: 0 | 1, from: number): number | undefined {
    for (const key of this.#database.getKeys({ start: [queue, lane, from], end: [queue, lane, Infinity], limit: 1 }))
      return (key as number[])[2];
    return undefined;
  }

  *records(queue: number, lane: 0 | 1, from: number): Generator<{ number: number; record: Buffer }> {
    for (const { key, value } of this.#database.getRange({ start: [queue, lane, from], end: [queue, lane, Infinity] }))
      yield { number: (key as number[])[2] as number, record: value };
  }

  /**
   * Makes this process one that may hold on to a state. LMDB knows such a process by its number, and in another container
   * there may be one of the same: this throws then, where LMDB would stop the process for ten seconds each time.
   */
  enlist(): void {
    if (this.#isEnlisted) return;
    new this.#reader(this.#database.env, READ_ONLY).abort();
    this.#isEnlisted = true;
  }

  /** Holds on to the state of now; its space is not used again until the function that this returns is called. */
  pin(): () => void {
    this.enlist();
    this.#database.resetReadTxn();
    const state = this.#database.useReadTransaction();
    // A read makes it begin.
    this.#database.get(USAGE, { transaction: state });
    return () => state.done();
  }

  /** Resolves when what is committed now is safe from a power cut. */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#database.sync((error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}
