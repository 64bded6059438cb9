// Builder of the application error: an exception, truncated to the limits of its schema.
import { type Caller, checkOptionalFlag, isObject } from '../contracts';
import { truncate } from '../truncate';
import { checkEventArgs, type EventArgs, publicBuilder, selfDescribingEvent, type TrackerEvent } from './event';

/** Arguments of an application error. */
export interface ErrorArgs extends EventArgs {
  /** The thrown value: usually an Error, but any value can be thrown. */
  readonly error: unknown;
  /** Whether the process or the request ended because of it. */
  readonly isFatal?: boolean | null | undefined;
}

// application_error/1-0-2: message 2048, stackTrace 8192, names 1024.
export function buildError(args: ErrorArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkOptionalFlag(caller, 'isFatal', args.isFatal);
  }
  const { error, isFatal } = args;
  const thrown = isObject(error) ? (error as { name?: unknown; message?: unknown; stack?: unknown }) : undefined;
  const text = (value: unknown, limit: number): string | undefined =>
    typeof value === 'string' ? truncate(value.toWellFormed(), limit) : undefined;
  return selfDescribingEvent(
    'iglu:com.snowplowanalytics.snowplow/application_error/jsonschema/1-0-2',
    {
      // The schema's list of languages has no TYPESCRIPT.
      programmingLanguage: 'JAVASCRIPT',
      message: text(thrown ? thrown.message : String(error), 2048) || 'unknown error',
      stackTrace: text(thrown?.stack, 8192),
      exceptionName: text(thrown?.name, 1024),
      isFatal,
    },
    args,
  );
}

/**
 * An error of the application, self-describing as `application_error/1-0-2`; its texts are truncated to the schema's limits.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(applicationError({ error: new Error('out of tea'), isFatal: false }));
 */
export const applicationError = publicBuilder('applicationError', buildError);
