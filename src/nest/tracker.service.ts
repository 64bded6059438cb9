// TrackerService: a singleton that stands for the request's tracker inside a request, and for the app's outside.
import type { TimeLimit } from '../core/deadline';
import type { FlushReport } from '../core/emitter';
import { ContractError } from '../core/errors';
import { Subject } from '../core/protocol/subject';
import type { Builder, TrackerStats } from '../core/tracker/pipeline';
import { RequestScope, runJob, scopes } from '../core/tracker/scope';
import type { RequestTracker, Tracker, TrackerHealth } from '../core/tracker/tracker';
import { Tracking } from '../core/tracker/tracking';

/**
 * Tracks for the visitor of the running request, at any depth of the app. Outside a request, and in work that continues after the
 * request has ended, it tracks for the app itself.
 *
 * @example
 * constructor(private readonly tracker: TrackerService) {}
 * add(sku: string) { this.tracker.trackStructEvent({ category: 'shop', action: 'add', label: sku }); }
 */
export class TrackerService extends Tracking {
  readonly #tracker: Tracker;
  readonly #name: string;

  /** @param name Its name for `currentTracker(name)` inside `runWith`. */
  constructor(tracker: Tracker, name: string = tracker.namespace) {
    super();
    this.#tracker = tracker;
    this.#name = name;
  }

  /** The app's own tracker. Not for callers. */
  get app(): Tracker {
    return this.#tracker;
  }

  /** The running request's tracker, or else one that adds nothing to the app's. Not for callers. */
  get current(): RequestTracker {
    return this.#scoped ?? this.#tracker.withSubject(new Subject());
  }

  // Found by the tracker, not by its name, because a test may have replaced the tracker.
  get #scoped(): RequestTracker | undefined {
    return scopes.getStore()?.findWhere(this.#isMine) as RequestTracker | undefined;
  }

  readonly #isMine = (tracking: Tracking): boolean =>
    (tracking as { isOf?: RequestTracker['isOf'] }).isOf?.(this.#tracker) === true;

  get #tracking(): Tracker | RequestTracker {
    return this.#scoped ?? this.#tracker;
  }

  /** The subject of this request, or of this `runWith`. Outside both, a copy of the app's subject, which all visitors share. */
  get subject(): Subject {
    return this.#scoped?.subject ?? Subject.merge(this.#tracker.subject, new Subject());
  }

  /**
   * Replaces the subject of this request, or of this `runWith`. A call outside both is a broken contract, because the app's defaults
   * belong to no visitor.
   *
   * @throws ContractError in contract mode `throw`.
   */
  setSubject(subject: Subject): this {
    const current = this.#scoped;
    if (current) current.setSubject(subject);
    else
      this.#tracker.core.onSubjectBreach(
        new ContractError('setSubject', 'subject', 'set in a request or in runWith()', 'a call outside both'),
      );
    return this;
  }

  withSubject(subject: Subject): RequestTracker {
    return this.#tracking.withSubject(subject);
  }

  /**
   * Runs `fn` in a scope without a request: in `fn`, and in everything that it starts until its promise is settled, this service
   * tracks for `subject`. For messages, sockets, schedulers, queues.
   *
   * @example
   * \@EventPattern('paid')
   * paid(data: Paid) { return this.tracker.runWith(new Subject().setUserId(data.userId), () => this.orders.close(data)); }
   */
  runWith<T>(subject: Subject, fn: () => T): T {
    return runJob(new RequestScope(this.#name, this.withSubject(subject), scopes.getStore()?.around(this.#isMine)), fn);
  }

  protected dispatch<Args>(caller: string, build: Builder<Args>, args: Args): string | undefined {
    return Tracking.dispatchOn(this.#tracking, caller, build, args);
  }

  flush(limit?: TimeLimit): Promise<FlushReport> {
    return this.#tracker.flush(limit);
  }

  stats(): TrackerStats {
    return this.#tracker.stats();
  }

  /**
   * Whether events can be sent: a plain object that fits a Terminus health check.
   *
   * @example
   * \@Get('health') @HealthCheck() check() { return this.health.check([() => ({ snowplow: this.tracker.health() })]); }
   */
  health(): TrackerHealth {
    return this.#tracker.health();
  }
}
