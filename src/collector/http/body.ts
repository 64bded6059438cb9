// Reads a request's body up to a limit, and counts the rest without keeping it.
import type { IncomingMessage } from 'node:http';

/** Past the limit the rest is still taken, so that the client gets to read its 413; past this many limits it is cut off. */
const PATIENCE = 8;

/**
 * Reads a body as text; `text` is empty when `bytes` is more than `limit`.
 *
 * @throws Error when the client went away before its body was complete.
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
