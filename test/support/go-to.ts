// A visitor who navigates to a page. Node's own fetch() cannot, because it marks itself as a script.
import { get } from 'node:http';

export interface Answer {
  readonly status: number;
  /** Undefined when it was cut off. */
  readonly body: string | undefined;
}

/** What a browser says of itself when somebody goes to a page. */
export const NAVIGATION = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};

/**
 * Goes to a page as a browser does, over a connection of its own.
 *
 * @param patienceMs How long to wait for the end of a body that has begun.
 */
export const goTo = (url: string, headers: Record<string, string> = {}, patienceMs = 30_000): Promise<Answer> =>
  new Promise((resolve, reject) => {
    get(url, { headers: { ...NAVIGATION, ...headers }, agent: false }, (response) => {
      let body = '';
      const timer = setTimeout(() => response.destroy(), patienceMs);
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      // Cut off, it ends with an error too.
      response.on('error', () => {});
      response.on('close', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: response.complete ? body : undefined });
      });
    }).on('error', reject);
  });
