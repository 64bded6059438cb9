// Reads HTTP/1.1 requests off a raw socket: as much as a tracker sends, that is a content length and no chunks.
import type { Socket } from 'node:net';

export interface Message {
  readonly method: string;
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Calls `onMessage` for every request that has come whole, and answers 400 to what is none. */
export function readMessages(socket: Socket, onMessage: (message: Message) => void): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    // Not even a letter: the beginning of a TLS handshake, say.
    if ((pending[0] ?? 0) < 0x41) socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    for (;;) {
      const end = pending.indexOf('\r\n\r\n');
      if (end < 0) return;
      const [first = '', ...lines] = pending.toString('latin1', 0, end).split('\r\n');
      const headers = Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
      );
      const whole = end + 4 + Number(headers['content-length'] ?? 0);
      if (pending.length < whole) return;
      const [method = '', target = ''] = first.split(' ');
      const body = pending.toString('utf8', end + 4, whole);
      pending = pending.subarray(whole);
      onMessage({ method, target, headers, body });
    }
  });
}
