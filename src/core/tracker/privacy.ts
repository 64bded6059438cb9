// The privacy mode of an event: its values, how signals and hooks decide it, and the wire keys that an anonymous event lacks.
import type { Log } from '../logger';

/** What an event may hold: everything, nothing that identifies the visitor, or nothing at all (the event is refused). */
export type PrivacyMode = 'none' | 'anonymous' | 'skip';

/** Wire keys that identify the visitor. An anonymous event has none of them. */
export const IDENTIFYING_KEYS: ReadonlySet<string> = new Set([
  'uid',
  'duid',
  'nuid',
  'tnuid',
  'sid',
  'vid',
  'ip',
  'fp',
]);

/** The options that decide the privacy mode of a request. */
export interface PrivacyRules<Req> {
  /** What a privacy signal of the visitor's browser does. */
  readonly respectPrivacySignals: 'off' | 'anonymous' | 'skip';
  readonly skip: ((req: Req) => boolean) | undefined;
  readonly anonymous: boolean | ((req: Req) => boolean) | undefined;
}

/** Whether a hook decides the mode, which may then change from event to event. */
export const isPrivacyAsked = ({ skip, anonymous }: PrivacyRules<never>): boolean =>
  skip !== undefined || typeof anonymous === 'function';

/** The mode of every request; undefined if signals or hooks decide it. */
export function fixedPrivacy(rules: PrivacyRules<never>): PrivacyMode | undefined {
  if (rules.respectPrivacySignals !== 'off' || isPrivacyAsked(rules)) return undefined;
  return rules.anonymous ? 'anonymous' : 'none';
}

/** The headers by which a browser asks for privacy. */
export interface PrivacySignals {
  /** The `DNT` header. */
  readonly dnt: string | undefined;
  /** The `Sec-GPC` header. */
  readonly gpc: string | undefined;
}

/**
 * The privacy mode of a request, decided by its signals, `DNT: 1` and `Sec-GPC: 1`, and by the hooks.
 *
 * @param signals Left out if the rules do not respect them.
 * @param req Left out if the request has ended: then no hook runs.
 * @example
 * decidePrivacy({ ...rules, respectPrivacySignals: 'skip' }, { dnt: undefined, gpc: '1' }, req, log); // 'skip'
 */
export function decidePrivacy<Req>(
  { respectPrivacySignals, skip, anonymous }: PrivacyRules<Req>,
  signals: PrivacySignals | undefined,
  req: Req | undefined,
  log: Log,
): PrivacyMode {
  const asks = respectPrivacySignals !== 'off' && (signals?.dnt === '1' || signals?.gpc === '1');
  const signalled = asks ? respectPrivacySignals : 'none';
  // A failed hook counts as a yes, because it guards the visitor's privacy.
  if (signalled === 'skip' || (skip && req && log.ask('skip', skip, req, true))) return 'skip';
  if (signalled === 'anonymous' || anonymous === true) return 'anonymous';
  return anonymous && req && log.ask('anonymous', anonymous, req, true) ? 'anonymous' : 'none';
}
