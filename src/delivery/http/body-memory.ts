// Memory of request bodies, used again and again: each left to the garbage collector would have V8 go through the whole heap
// of the app the sooner, for the sake of memory that lies outside of it.

const UNIT = 16 * 1024;
const MOST_KEPT = 4 * 1024 * 1024;

export class BodyMemory {
  readonly #spare: ArrayBufferLike[] = [];
  #spareBytes = 0;

  /** As many bytes, with anything in them; never from a pool that others write to. */
  take(bytes: number): Buffer {
    const spare = this.#spare.pop();
    this.#spareBytes -= spare?.byteLength ?? 0;
    // One that is too small makes room for one that is not.
    const memory =
      spare && spare.byteLength >= bytes ? spare : Buffer.allocUnsafeSlow(Math.ceil(bytes / UNIT) * UNIT).buffer;
    return Buffer.from(memory, 0, bytes);
  }

  /** What was taken is written over from now on: nobody may read it any more. */
  giveBack({ buffer }: Buffer): void {
    if (this.#spareBytes + buffer.byteLength > MOST_KEPT) return;
    this.#spare.push(buffer);
    this.#spareBytes += buffer.byteLength;
  }
}
