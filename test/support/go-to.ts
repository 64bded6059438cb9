// A visitor who goes to a page. Node's own fetch() will not do: it says of itself that it is a script.
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

/** Goes to a page as a browser does, over a connection of its own. */
export const goTo = (url: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Answer> =>
  new Promise((resolve, reject) => {
    get(url, { headers: { ...NAVIGATION, ...headers }, agent: false, signal }, (response) => {
      const status = response.statusCode ?? 0;
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status, body }));
      response.on('error', () => resolve({ status, body: undefined }));
    }).on('error', reject);
  });
