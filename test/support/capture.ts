// A tracker that collects its events in an array, through a custom emitter as a user may write it.
import { type EventMeta, type Payload, Tracker, type TrackerOptions } from 'snowplow-middleware';

export interface Captured {
  readonly tracker: Tracker;
  /** What the emitter was given, oldest first. */
  readonly payloads: Payload[];
  readonly metas: EventMeta[];
  /** The newest payload. */
  readonly last: () => Payload;
}

export function capture(options: Partial<TrackerOptions> = {}): Captured {
  const payloads: Payload[] = [];
  const metas: EventMeta[] = [];
  const emitter = {
    input(payload: Payload, meta: EventMeta): void {
      payloads.push(payload);
      metas.push(meta);
    },
  };
  const tracker = new Tracker({ emitters: emitter, logger: false, ...options });
  return { tracker, payloads, metas, last: () => payloads.at(-1) ?? {} };
}

interface SelfDescribing {
  schema: string;
  data: unknown;
}

const parse = (text: string): { schema: string; data: never } => JSON.parse(text) as { schema: string; data: never };
const plain = (base64: string): string => Buffer.from(base64, 'base64url').toString();

/** The self-describing JSON inside `ue_px` or `ue_pr`. */
export function eventOf(payload: Payload): SelfDescribing {
  return parse(payload['ue_pr'] ?? plain(payload['ue_px'] as string)).data;
}

/** The entities inside `cx` or `co`; none where there is neither. */
export function entitiesOf(payload: Payload): SelfDescribing[] {
  const text = payload['co'] ?? (payload['cx'] === undefined ? undefined : plain(payload['cx']));
  return text === undefined ? [] : parse(text).data;
}

/** What was thrown; fails when nothing was. */
export function thrownBy(run: () => unknown): Error & Record<string, unknown> {
  try {
    run();
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('nothing was thrown');
}

/** A logger that keeps its lines. */
export function keepLines(): {
  lines: [level: string, message: string, fields?: object][];
  logger: NonNullable<Exclude<TrackerOptions['logger'], false>>;
} {
  const lines: [string, string, object?][] = [];
  const write =
    (level: string) =>
    (message: string, fields?: object): void => {
      lines.push(fields ? [level, message, fields] : [level, message]);
    };
  return { lines, logger: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') } };
}
