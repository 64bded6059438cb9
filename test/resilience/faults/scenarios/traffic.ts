// Visitors of an app, from several connections at once, for as long as a scenario needs them.
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Asks an app for `/track` from `clients` connections at once until told to stop; what fails because the app ends, fails. */
export function traffic(url: string, clients: number): () => Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  let running = true;
  const ask = (): Promise<void> =>
    new Promise((resolve) => {
      const request = get(`${url}/track?n=3`, { agent }, (answer) => answer.resume().once('close', resolve));
      request.once('error', () => resolve());
      // A process that is killed with a connection in its hands may leave it open.
      request.setTimeout(5_000, () => void request.destroy());
    });
  const client = async (): Promise<void> => {
    while (running) {
      await ask();
      await sleep(5);
    }
  };
  const all = Array.from({ length: clients }, client);
  return async () => {
    running = false;
    await Promise.all(all);
    agent.destroy();
  };
}
