// Reads a request's body up to a limit, and counts the rest without keeping it.
import type { IncomingMessage } from 'node:http';

/** Beyond the limit, the rest is still read, so that the client can read its 413. Beyond this many limits, it is aborted. */
const PATIENCE = 8;

/**
 * Reads a body as text; `text` is empty if `bytes` is more than `limit`.
 *
 * @throws Error if the client disconnected before its body was complete.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<{ text: string; bytes: number }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= limit) chunks.push(chunk);
    else chunks.length = 0;
    if (bytes > PATIENCE * limit) break;
  }
  return { text: bytes > limit ? '' : Buffer.concat(chunks).toString(), bytes };
}
