// Builders of consent events: what a visitor agreed to, and that the consent dialog was shown.
import { type Caller, checkNumber, checkOneOf, checkOptionalFlag, checkText, checkTextList, fail } from '../contracts';
import {
  checkEventArgs,
  type EventArgs,
  present,
  publicBuilder,
  selfDescribingEvent,
  type TrackerEvent,
} from './event';

const SNOWPLOW = 'iglu:com.snowplowanalytics.snowplow';

const CONSENT_TYPES = [
  'deny_all', 'allow_all', 'allow_selected', 'pending', 'implicit_consent', 'withdrawn', 'expired',
] as const; // prettier-ignore
const BASES = [
  'consent', 'contract', 'legal_obligation', 'vital_interests', 'public_task', 'legitimate_interests',
] as const; // prettier-ignore
// By consent_preferences/1-0-0.
const MAX_VERSION = 16;
const MAX_ITEM = 1024;
// What RFC 3986 allows of a URL without an address in brackets.
const URI = /^[a-z][a-z\d+.-]*:[\w.~!$&'()*+,;=:@%/?-]*(?:#[\w.~!$&'()*+,;=:@%/?-]*)?$/i;

/** Arguments of a choice of consent. */
export interface ConsentPreferencesArgs extends EventArgs {
  /** What the visitor did. */
  readonly eventType: (typeof CONSENT_TYPES)[number];
  /** The lawful basis of the processing, by the GDPR. */
  readonly basisForProcessing: (typeof BASES)[number];
  /** The document that the visitor was shown: an absolute URL, which is sent as browsers encode it. */
  readonly consentUrl: string;
  /** That document's version, at most 16 characters. */
  readonly consentVersion: string;
  /** What the visitor agreed to, for example `analytics`; at least one, each of at most 1,024 characters. */
  readonly consentScopes: readonly string[];
  /** The domains that the choice holds for; at least one, each of at most 1,024 characters. */
  readonly domainsApplied: readonly string[];
  /** Whether the GDPR holds for the visitor. */
  readonly gdprApplies?: boolean | null | undefined;
}

export function buildConsentPreferences(args: ConsentPreferencesArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkOneOf(caller, 'eventType', args.eventType, CONSENT_TYPES);
    checkOneOf(caller, 'basisForProcessing', args.basisForProcessing, BASES);
    checkText(caller, 'consentUrl', args.consentUrl);
    if (!URI.test(asUri(args.consentUrl))) fail(caller, 'consentUrl', 'an absolute URL', args.consentUrl);
    checkText(caller, 'consentVersion', args.consentVersion);
    if (args.consentVersion.length > MAX_VERSION)
      fail(caller, 'consentVersion', `at most ${MAX_VERSION} characters`, args.consentVersion);
    checkItems(caller, 'consentScopes', args.consentScopes);
    checkItems(caller, 'domainsApplied', args.domainsApplied);
    checkOptionalFlag(caller, 'gdprApplies', args.gdprApplies);
  }
  const { eventType, basisForProcessing, consentVersion, consentScopes, domainsApplied, gdprApplies } = args;
  const consentUrl = asUri(args.consentUrl);
  const data = {
    eventType,
    basisForProcessing,
    consentUrl,
    consentVersion,
    consentScopes,
    domainsApplied,
    gdprApplies,
  };
  return selfDescribingEvent(`${SNOWPLOW}/consent_preferences/jsonschema/1-0-0`, present(data), args);
}

const asUri = (url: string): string => (URL.canParse(url) ? new URL(url).href.replaceAll('|', '%7C') : url);

function checkItems(caller: string, path: string, items: readonly string[]): void {
  checkTextList(caller, path, items);
  if (items.length === 0) fail(caller, path, 'at least one', items);
  const index = items.findIndex((item) => item.length > MAX_ITEM);
  if (index >= 0) fail(caller, `${path}[${index}]`, `at most ${MAX_ITEM} characters`, items[index]);
}

/**
 * What a visitor agreed to, self-describing as `consent_preferences/1-0-0`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(consentPreferences({
 *   eventType: 'allow_selected', basisForProcessing: 'consent', consentUrl: 'https://shop.acme.com/privacy',
 *   consentVersion: '3.1', consentScopes: ['analytics'], domainsApplied: ['acme.com'],
 * }));
 */
export const consentPreferences = publicBuilder('consentPreferences', buildConsentPreferences);

/** Arguments of a consent dialog that was shown. */
export interface CmpVisibleArgs extends EventArgs {
  /** How long the dialog took to appear, in milliseconds from 0. */
  readonly elapsedTime: number;
}

export function buildCmpVisible(args: CmpVisibleArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkNumber(caller, 'elapsedTime', args.elapsedTime);
    // The schema's maximum is that of a 64-bit integer.
    if (args.elapsedTime < 0 || args.elapsedTime > Number.MAX_SAFE_INTEGER)
      fail(caller, 'elapsedTime', 'milliseconds from 0', args.elapsedTime);
  }
  return selfDescribingEvent(`${SNOWPLOW}/cmp_visible/jsonschema/1-0-0`, { elapsedTime: args.elapsedTime }, args);
}

/**
 * The consent dialog was shown, self-describing as `cmp_visible/1-0-0`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(cmpVisible({ elapsedTime: 420 }));
 */
export const cmpVisible = publicBuilder('cmpVisible', buildCmpVisible);
