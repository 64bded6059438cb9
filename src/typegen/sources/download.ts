// Asks a registry over HTTP. The key goes to the registry's own origin alone, and into no message.
import { Problem } from '../problem';

const TIMEOUT_MS = 15_000;
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_REDIRECTS = 5;

export interface HttpRegistry {
  readonly root: URL;
  readonly apikey?: string | undefined;
}

/** The text at an address of the registry; undefined when there is nothing. @throws Problem when it gives no answer. */
export async function download({ root, apikey }: HttpRegistry, address: string): Promise<string | undefined> {
  let url = new URL(address);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const headers: Record<string, string> = apikey && url.origin === root.origin ? { apikey } : {};
    const response = await ask(url, headers);
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null) return textOf(response, url);
    await response.body?.cancel();
    if (!URL.canParse(location, url.href)) throw new Problem('unreachable', `${shown(url)} redirects to no address`);
    url = new URL(location, url);
    if (!/^https?:$/.test(url.protocol))
      throw new Problem('unreachable', `${shown(root)} redirects to no HTTP address`);
  }
  throw new Problem('unreachable', `${shown(root)} redirects without end`);
}

/** Without what may be secret. */
export const shown = (url: URL): string => `${url.origin}${url.pathname}`.replace(/\/$/, '');

async function ask(url: URL, headers: Record<string, string>): Promise<Response> {
  try {
    return await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new Problem('unreachable', `${shown(url)} cannot be reached: ${reasonOf(error)}`);
  }
}

// The words of an error may hold headers: its code alone is said.
function reasonOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: unknown } };
  if (name === 'TimeoutError') return `no answer in ${TIMEOUT_MS / 1000} s`;
  return typeof cause?.code === 'string' ? cause.code : 'the connection failed';
}

async function textOf(response: Response, url: URL): Promise<string | undefined> {
  const { status } = response;
  if (status === 404) {
    await response.body?.cancel();
    return undefined;
  }
  if (status !== 200) {
    await response.body?.cancel();
    const advice = status === 401 || status === 403 ? ': name its key by --apikey-env' : '';
    throw new Problem('unreachable', `${shown(url)} answered ${status}${advice}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) throw new Problem('invalid', `${shown(url)} is larger than ${MOST_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('unreachable', `${shown(url)} broke off: ${reasonOf(error)}`);
  }
  return Buffer.concat(chunks).toString();
}
