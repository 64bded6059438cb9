// What a tracker shares with its request trackers: settings, emitters, counts, and the path of an event to the emitters.
import { publishDropped, publishTracked, trackChannel } from '../channels';
import { type Caller, type ContractMode, contractsFor, fail, isAbsent, isObject, isThenable } from '../contracts';
import { millisOfLimit, type TimeLimit } from '../deadline';
import {
  type DropInfo,
  type EmitterLike,
  type EmitterStats,
  ENCODED_INPUT,
  type EncodedEvent,
  type EncodedInput,
  type FlushReport,
  noRefusals,
  type Payload,
  type RefuseReason,
} from '../emitter';
import { ContractError, show } from '../errors';
import { eventIdOf, isBefore2001, type TrackerEvent } from '../events/event';
import type { Log } from '../logger';
import { currentMark } from '../marks';
import type { SelfDescribing } from '../protocol/self-describing-json';
import { isSubject, Subject } from '../protocol/subject';
import { commonFields, encodeEvent, encodePayload, type TrackerFields } from './encode';
import { settleAll } from './flush-all';
import { Refusal } from './refusal';
import { askForEntities, type EventInfo, type RequestContext } from './request-context';

/** A tracker's settings, resolved, checked and frozen. */
export interface TrackerSettings {
  readonly fields: TrackerFields;
  readonly base64: boolean;
  readonly anonymous: boolean;
  readonly enabled: boolean;
  readonly contracts: ContractMode;
  readonly entities: ((event: EventInfo) => readonly SelfDescribing[]) | undefined;
  readonly beforeSend: ((payload: Payload) => Payload | undefined) | undefined;
  readonly onDrop: ((info: DropInfo) => void) | undefined;
}

const FLUSH_TIMEOUT_MS = 10_000;

/** What a tracker has done so far. `offered = accepted + the sum of refused`. */
export interface TrackerStats {
  readonly offered: number;
  /** Events that at least one emitter accepted. */
  readonly accepted: number;
  readonly refused: Readonly<Record<RefuseReason, number>>;
  /** Calls of `currentTracker()` or of Nest's service in a request or job that had ended. */
  readonly lateLookups: number;
  /** One entry for each emitter that has counters. */
  readonly emitters: readonly EmitterStats[];
}

export type Builder<Args> = (args: Args, caller: Caller) => TrackerEvent;

export class TrackerCore {
  readonly emitters: EmitterLike[];
  readonly settings: TrackerSettings;
  readonly log: Log;
  /** The app's defaults for every event. */
  subject: Subject;
  closed = false;
  offered = 0;
  accepted = 0;
  readonly refused = noRefusals();
  lateLookups = 0;

  constructor(settings: TrackerSettings, emitters: readonly EmitterLike[], subject: Subject, log: Log) {
    this.settings = settings;
    this.emitters = [...emitters];
    this.subject = subject;
    this.log = log;
  }

  /** Builds an event and tracks it. An event that cannot be tracked is refused and counted; only mode `throw` throws. */
  dispatch<Args>(
    caller: string,
    build: Builder<Args>,
    args: Args,
    context: RequestContext,
    mode: ContractMode = this.settings.contracts,
  ): string | undefined {
    const checking = mode === 'off' ? undefined : contractsFor(caller);
    let count = 1;
    try {
      const event = build(args, checking);
      if (Array.isArray(event.items)) count += event.items.length;
      return this.#process(event, count, context, checking);
    } catch (error) {
      const breach = Refusal.breachOf(error, checking);
      if (breach) {
        this.#refuse('invalid', count, args);
        this.#answerBreach(breach, mode, 'the event was refused');
        return undefined;
      }
      const reason = Refusal.reasonOf(error);
      this.log.warn(`events were refused: ${reason}`);
      return this.#refuse(reason, count, args);
    }
  }

  #answerBreach(error: ContractError, mode: ContractMode, outcome: string): void {
    if (mode === 'throw') throw error;
    // The value itself may be personal data, so the line leaves it out.
    this.log.warn(`${error.caller}: a broken contract, ${outcome}`, { argument: error.path, expected: error.expected });
  }

  /** Handles a broken contract of a request subject's setter as the tracker handles its own. */
  readonly onSubjectBreach = (error: unknown): boolean => this.#leaveOut(error, this.settings.contracts);
  /** The same for the setters in a hook, which never throw. */
  readonly onHookBreach = (error: unknown): boolean =>
    this.#leaveOut(error, this.settings.contracts === 'off' ? 'off' : 'log');

  #leaveOut(error: unknown, mode: ContractMode): boolean {
    if (mode !== 'off') this.#answerBreach(error as ContractError, mode, 'the value was left out');
    return mode === 'off';
  }

  /** `subject` itself, or an empty one if it breaks the contract of `caller`. */
  checkedSubject(caller: string, subject: Subject): Subject {
    if (isSubject(subject)) return subject;
    const mode = this.settings.contracts;
    if (mode !== 'off' && contractsFor(caller))
      this.#answerBreach(new ContractError(caller, 'subject', 'a Subject', show(subject)), mode, 'it counts as empty');
    return new Subject();
  }

  flush(limit: TimeLimit): Promise<FlushReport> {
    return settleAll(this.emitters, () => 'flush', millisOfLimit(limit, FLUSH_TIMEOUT_MS), this.log);
  }

  stats(): TrackerStats {
    const { offered, accepted, refused, lateLookups, emitters } = this;
    // A custom emitter may have a `stats` method with another meaning.
    const counting = emitters.filter((emitter) => ENCODED_INPUT in emitter) as EncodedInput[];
    return {
      offered,
      accepted,
      refused: { ...refused },
      lateLookups,
      emitters: counting.map((emitter) => emitter.stats()),
    };
  }

  /** @param given The event, or the arguments if no event could be built. */
  #refuse(reason: RefuseReason, count: number, given: unknown, encoded?: readonly EncodedEvent[]): undefined {
    this.#count(reason, count);
    if (currentMark()) return;
    publishDropped(reason, count);
    const { onDrop } = this.settings;
    if (!onDrop) return;
    const eid = encoded ? undefined : eventIdOf(given);
    const events = encoded?.map((event) => event.payload()) ?? (eid === undefined ? [] : [{ eid }]);
    this.log.guard('onDrop', onDrop, { events, reason });
  }

  #count(reason: RefuseReason, count: number): undefined {
    this.offered += count;
    this.refused[reason] += count;
  }

  #process(event: TrackerEvent, count: number, context: RequestContext, caller: Caller): string | undefined {
    const { settings } = this;
    if (!settings.enabled) return this.#refuse('disabled', count, event);
    if (this.closed) {
      this.log.warn('events were refused: closed');
      return this.#refuse('closed', count, event);
    }
    const { args, items } = event;
    // One request for anonymity is enough: no other setting withdraws it.
    const asked = settings.anonymous || Boolean(args.anonymous);
    const setting = context.forEvent(asked, event);
    if (!setting) return this.#refuse('private', count, event);
    let { entities } = setting;
    if (settings.entities) entities = [...askForEntities(this.log, settings.entities, event), ...entities];
    let own = Subject.fieldsOf(setting.subject);
    if (!isAbsent(args.subject)) own = { ...own, ...Subject.fieldsOf(args.subject) };
    const common = commonFields(settings.fields, Subject.fieldsOf(this.subject), own, asked || setting.anonymous);
    const { e, url } = event.fields;
    if (caller && !context.bringsPage && (e === 'pv' || e === 'pp') && isAbsent(url) && common.url === undefined)
      fail(caller, 'pageUrl', 'a non-empty string', url);
    if (caller && !isAbsent(args.timestamp) && isBefore2001(args.timestamp))
      this.log.warn(`${caller}: \`timestamp\` is before 2001; it takes milliseconds since 1970, not seconds`);

    let encoded: EncodedEvent[] = [encodeEvent(event, common, entities, settings.base64)];
    if (items) for (const item of items) encoded.push(encodeEvent(item, common, entities, settings.base64));
    if (settings.beforeSend) {
      const passed = this.#pass(encoded, settings.beforeSend);
      if (!passed) return this.#refuse('filtered', count, event, encoded);
      encoded = passed;
    }

    const refusal = this.#enqueue(encoded);
    // The emitter reports what it refuses, so the tracker only counts it.
    if (refusal) return this.#count(refusal, count);
    this.offered += count;
    this.accepted += count;
    if (e === 'pv') context.pageViewed = true;
    if (trackChannel.hasSubscribers) for (const one of encoded) publishTracked(one);
    return (encoded[0] as EncodedEvent).eventId;
  }

  // A hook that throws may have wanted to remove something, so its event is not sent unchanged.
  #pass(
    events: readonly EncodedEvent[],
    beforeSend: (payload: Payload) => Payload | undefined,
  ): EncodedEvent[] | undefined {
    const passed: EncodedEvent[] = [];
    for (const { json, eventId, anonymous } of events) {
      const result = this.log.guard('beforeSend', beforeSend, JSON.parse(json) as Payload);
      const event = isObject(result) ? encodePayload(result as Payload, eventId, anonymous) : undefined;
      if (!event) return undefined;
      passed.push(event);
    }
    return passed;
  }

  /** Gives the events to every emitter; undefined if at least one accepted them, else the reason of the last emitter. */
  #enqueue(events: readonly EncodedEvent[]): RefuseReason | undefined {
    let accepted = false;
    let last: RefuseReason = 'full';
    for (const emitter of this.emitters) {
      let refusal: RefuseReason | undefined;
      try {
        refusal =
          (emitter as EncodedInput).input[ENCODED_INPUT] === emitter.input
            ? (emitter as EncodedInput)[ENCODED_INPUT](events)
            : this.#inputEach(events, emitter);
      } catch {
        this.log.error("an emitter's input threw");
        refusal = 'store-error';
      }
      if (refusal) last = refusal;
      else accepted = true;
    }
    return accepted ? undefined : last;
  }

  #inputEach(events: readonly EncodedEvent[], emitter: EmitterLike): RefuseReason | undefined {
    let refusal: RefuseReason | undefined;
    for (const event of events) {
      // No emitter can change what the next one gets: the payload is frozen, and each emitter gets a new meta object.
      const { eventId, anonymous } = event;
      const answer: unknown = emitter.input(event.payload(), { eventId, anonymous });
      if (answer === false) refusal = 'full';
      else if (isThenable(answer)) answer.then(undefined, () => this.log.error("an emitter's input rejected"));
    }
    return refusal;
  }
}
