// The outcome of a batch: what a transport's answer means for each event, and what of it the isolation keeps.
import type { EncodedEvent } from '../../core/emitter';
import { type Answer, Batch, type Isolation } from '../retry-policy/isolation';
import type { Failure, Outcome } from '../transport';

/** What became of a lease's events: each is in one of the first six lists. */
export interface BatchOutcome {
  readonly sent: readonly EncodedEvent[];
  readonly rejected: readonly EncodedEvent[];
  /** Too large by itself: dropped. */
  readonly lost: readonly EncodedEvent[];
  readonly kept: readonly EncodedEvent[];
  /** Kept, and perhaps the reason themselves. */
  readonly suspects: readonly EncodedEvent[];
  /** Too large together: tried again in smaller requests. */
  readonly split: readonly EncodedEvent[];
  readonly failures: readonly Failure[];
}

/** Reads a transport's answer, for all events or one by one; an event whose result is missing or makes no sense is kept. */
function outcomeOf(events: readonly EncodedEvent[], answer: Outcome | readonly Outcome[]): BatchOutcome {
  const oneByOne = isList(answer);
  const sent: EncodedEvent[] = [];
  const rejected: EncodedEvent[] = [];
  const kept: EncodedEvent[] = [];
  const suspects: EncodedEvent[] = [];
  const tooLarge: EncodedEvent[] = [];
  const failures: Failure[] = [];
  for (const [index, event] of events.entries()) {
    const result = (oneByOne ? answer[index] : answer) ?? NO_RESULT;
    const { status } = result;
    const suspicious = status === 'retry' && result.suspicious === true;
    if (status === 'sent') sent.push(event);
    else if (status === 'rejected') rejected.push(event);
    else if (status === 'too-large') tooLarge.push(event);
    else (suspicious ? suspects : kept).push(event);
    if (status !== 'sent') failures.push(FAILURES.has(status) ? result : NO_RESULT);
  }
  const alone = oneByOne || events.length === 1;
  return { sent, rejected, lost: alone ? tooLarge : [], kept, suspects, split: alone ? [] : tooLarge, failures };
}

const isList = (answer: Outcome | readonly Outcome[]): answer is readonly Outcome[] => Array.isArray(answer);

const FAILURES: ReadonlySet<unknown> = new Set(['rejected', 'too-large', 'retry']);
const NO_RESULT: Failure = { status: 'retry', error: new Error('the transport gave no answer') };

/** A batch that is dropped, and why. */
type Dropped = readonly [batch: Batch, error: Error];

/** The outcome of a batch that was sent as a whole, but for its events. */
export const SENT: BatchOutcome = { sent: [], rejected: [], lost: [], kept: [], suspects: [], split: [], failures: [] };

const STRUCK_OUT = new Error(
  'the collector failed ten times on this event alone, and took others right before and after',
);

export const struckOut = (batch: Batch): Dropped => [batch, STRUCK_OUT];

/**
 * Tells the isolation what was answered, for the batch or event by event, and has it divide what may be saved.
 *
 * @returns The outcome without what was divided, and what else is dropped with it.
 */
export function isolate(
  isolation: Isolation,
  batch: Batch,
  answer: Outcome | readonly Outcome[],
): { readonly outcome: BatchOutcome; readonly dropped: readonly Dropped[] } {
  const whole = outcomeOf(batch.events, answer);
  const { sent, rejected, lost, kept, suspects, failures } = whole;
  batch.isSlow = failures.some(({ slow }) => slow === true);
  const isSuspect = suspects.length > 0 && isolation.isSuspect(batch, suspects);
  // What is no reason yet to set events aside is kept as any other failure is.
  const outcome = isSuspect ? whole : { ...whole, kept: [...kept, ...suspects], suspects: [] };
  for (const done of [sent, rejected, lost, outcome.suspects]) isolation.forget(done);
  if (isList(answer)) return { outcome, dropped: isolateEach(isolation, batch, answer, outcome).map(struckOut) };
  const kind = outcome.kept.length > 0 ? 'failed' : answerOf(answer);
  const dropped = isolation.settle(batch, kind).map(struckOut);
  if (kind !== 'refused' || rejected.length === 0) return { outcome, dropped };
  const { code, of, error } = answer as Failure;
  if (of === 'caller') return { outcome, dropped };
  const refused = isolation.refuse(batch, code);
  if (refused.length === 0) return { outcome: { ...outcome, rejected: [], suspects: batch.events }, dropped };
  const others = refused.filter((one) => one !== batch).map((one): Dropped => [one, error]);
  return { outcome, dropped: [...dropped, ...others] };
}

function isolateEach(
  isolation: Isolation,
  batch: Batch,
  answers: readonly Outcome[],
  { suspects }: BatchOutcome,
): readonly Batch[] {
  const { lease, isSlow, settledBefore, afterGood } = batch;
  const single = (event: EncodedEvent): Batch =>
    Object.assign(new Batch(lease, [event]), { isSlow, settledBefore, afterGood });
  const last: Batch[] = [];
  let hasFailed = false;
  for (const [index, event] of batch.events.entries()) {
    const given = answerOf(answers[index]);
    const answer = given === 'suspicious' && !suspects.includes(event) ? 'failed' : given;
    // After one that found nobody the others have not been tried.
    if (answer === 'failed' && hasFailed) continue;
    hasFailed ||= answer === 'failed';
    const one = batch.isSingle || answer !== 'suspicious' ? batch : single(event);
    last.push(...isolation.settle(one, answer));
  }
  return last;
}

function answerOf(result: Outcome | undefined): Answer {
  if (result?.status === 'sent') return 'sent';
  if (result?.status === 'rejected' || result?.status === 'too-large') return 'refused';
  return result?.status === 'retry' && result.suspicious === true ? 'suspicious' : 'failed';
}
