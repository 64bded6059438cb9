// The lifecycle of an app as its middleware sees it: which servers it runs behind, and how long it listens for signals.
import type { ServerHttp2Session } from 'node:http2';
import type { Tracker } from '../core/tracker/tracker';
import { hearServers, recordSessions, whenClosed } from './servers';
import { closeOnShutdown, type ServerLike, type ShutdownOptions } from './shutdown';

export class AppLife {
  readonly #tracker: Tracker;
  readonly #listen: () => () => boolean;
  /** The servers that have sent it a request. */
  readonly servers = new Set<ServerLike>();
  // Before the first request, any listening server may be the app's.
  readonly #heard = new Set<object>();
  #unhear: (() => void) | undefined;
  #unlisten: (() => boolean) | undefined;

  constructor(tracker: Tracker, ownsTracker: boolean, shutdown: ShutdownOptions = {}) {
    this.#tracker = tracker;
    // A shared tracker belongs to the app, so it is flushed and left open.
    const closable = ownsTracker ? tracker : { flush: tracker.flush.bind(tracker), close: tracker.flush.bind(tracker) };
    this.#listen = () => closeOnShutdown({ ...shutdown, tracker: closable, server: () => [...this.servers] });
    this.#unlisten = this.#listen();
    if (shutdown.signals?.length) this.#unhear = hearServers((server) => this.#hear(server));
  }

  /** Records a server at its first request. */
  meet(server: ServerLike, session?: ServerHttp2Session): void {
    this.servers.add(server);
    this.#stopHearing();
    this.#unlisten ??= this.#listen();
    recordSessions(server, session);
    whenClosed(server, () => void this.#part(server));
  }

  /** The app has ended: removes its listeners, unless a signal is already ending it. */
  end(): void {
    this.servers.clear();
    this.#stopHearing();
    if (this.#unlisten?.()) this.#unlisten = undefined;
  }

  #hear(server: object): void {
    this.#heard.add(server);
    whenClosed(server, () => {
      if (this.#heard.delete(server) && this.#heard.size === 0) this.end();
    });
  }

  #stopHearing(): void {
    this.#unhear?.();
    this.#unhear = undefined;
    this.#heard.clear();
  }

  // An app ends with its last server, even if the process goes on.
  async #part(server: ServerLike): Promise<void> {
    this.servers.delete(server);
    await this.#tracker.flush();
    if (this.servers.size === 0) this.end();
  }
}
