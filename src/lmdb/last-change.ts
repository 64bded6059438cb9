// Which change of the file is the last. LMDB notes its number in the lock file, and a process that opens the file while
// another one changes it notes an older number there: the next change would undo the last one. So each change looks first.
import { openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';

// Where the lock file has the number, behind two words that say what it is; as wide as a pointer.
const NUMBER_AT = 8;
const NUMBER_BYTES = ['arm', 'ia32', 'mips', 'mipsel', 'ppc'].includes(process.arch) ? 4 : 8;

// Exists at run time, and is missing in the package's types.
type Database = RootDatabase<Buffer> & { readonly env: { info(): { readonly lastTxnId: number } } };

export class LastChange {
  readonly #database: Database;
  readonly #path: string;
  // Never closed: a process that closes any descriptor of the lock file loses the locks that LMDB holds on it.
  #lock: number | undefined;

  constructor(database: RootDatabase<Buffer>, path: string) {
    this.#database = database as Database;
    this.#path = path;
  }

  /**
   * Inside a transaction, so with everybody else kept out: whether it goes on from the last change. When it does not, the
   * number is corrected, and the transaction has to be begun again.
   */
  isBase(): boolean {
    const change = this.#database.getWriteTxnId();
    // LMDB goes on without a transaction when it could not begin one.
    if (change === 0) throw new Error('the event store cannot be locked');
    const last = this.#database.env.info().lastTxnId;
    if (change === last + 1) return true;
    this.#correct(change - 1, last);
    return false;
  }

  #correct(noted: number, last: number): void {
    this.#lock ??= openSync(join(this.#path, 'lock.mdb'), 'r+');
    const found = Buffer.alloc(NUMBER_BYTES);
    readSync(this.#lock, found, 0, NUMBER_BYTES, NUMBER_AT);
    // It may be the lock of another file by now, when this one was set aside.
    if (found.equals(word(noted))) writeSync(this.#lock, word(last), 0, NUMBER_BYTES, NUMBER_AT);
  }
}

function word(number: number): Uint8Array {
  const words = NUMBER_BYTES === 8 ? new BigUint64Array([BigInt(number)]) : new Uint32Array([number]);
  return new Uint8Array(words.buffer);
}
