// What a request or a job adds to each event tracked in it: whose it is, and what that visitor wishes.
import type { SelfDescribing } from '../protocol/self-describing-json';
import type { Subject } from '../protocol/subject';

/** What a visitor, or the app for the visitor, wishes for events: none of them, or none that tells who it was. */
export type Wish = 'none' | 'anonymous' | 'skip';

/** What a request or a job adds to each event tracked in it. */
export interface Surroundings {
  /** The visitor's own subject; replaced by `setSubject`. */
  subject: Subject;
  /** As it stands now. */
  readonly wish: Wish;
  /** True in a request: a page view without a page is then the network's doing, not a caller's mistake. */
  readonly bringsPage?: boolean;
  /**
   * Asked for each event; undefined refuses it as private. Never throws.
   *
   * @param anonymous Whether the event is to be anonymous in any case.
   */
  forEvent(anonymous: boolean): EventSetting | undefined;
  /** Told of each event that was taken, by its wire type: `pv`, `se`, … */
  recordTracked?(type: unknown): void;
}

export interface EventSetting {
  readonly subject: Subject;
  readonly anonymous: boolean;
  readonly entities: readonly SelfDescribing[];
}

const NO_ENTITIES: readonly SelfDescribing[] = [];

/** Surroundings that are a subject and nothing else: `withSubject`, `runWith`, the app's tracker. */
export class PlainSurroundings implements Surroundings {
  readonly entities = NO_ENTITIES;
  readonly #request: Surroundings | undefined;

  /** @param request The request whose visitor sets it off: that visitor's wish holds, whomever the events are about. */
  constructor(
    public subject: Subject,
    request?: Surroundings,
  ) {
    // Not the one around it: jobs that start jobs would else hang on to every one before them.
    this.#request = request instanceof PlainSurroundings ? request.#request : request;
  }

  get wish(): Wish {
    return this.#request?.wish ?? 'none';
  }

  get anonymous(): boolean {
    return this.wish === 'anonymous';
  }

  forEvent(): EventSetting | undefined {
    return this.wish === 'skip' ? undefined : this;
  }
}
