// The status of an answer that undici refuses because its head breaks the protocol behind the status line.
import type { Socket } from 'node:net';

// Heads are short: a status line that is not in here does not count.
const MOST_BYTES = 4_096;

const lastRead = new WeakMap<object, Buffer>();

/** Remembers what a connection read last, for {@link statusOf} the error that ends it. */
export function watchAnswers(socket: Socket): void {
  const { read } = socket;
  let last: unknown;
  socket.read = (size) => {
    const chunk: unknown = read.call(socket, size);
    if (chunk) last = chunk;
    return chunk;
  };
  socket.once('error', (error) => {
    if (Buffer.isBuffer(last)) lastRead.set(error, last);
  });
}

/** The final status in what was read right before `error` ended its connection, if it is there. */
export function statusOf(error: Error): number | undefined {
  let head = lastRead.get(error)?.toString('latin1', 0, MOST_BYTES) ?? '';
  for (;;) {
    const [, status] = /^HTTP\/1\.[01] (\d{3})[ \r\n]/.exec(head) ?? [];
    if (status === undefined) return undefined;
    if (status >= '200') return Number(status);
    // An interim answer, perhaps one that nobody asked for: the final one follows its empty line.
    const end = /\r?\n\r?\n/.exec(head);
    if (!end) return undefined;
    head = head.slice(end.index + end[0].length);
  }
}
