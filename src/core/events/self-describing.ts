// Builders of self-describing events: your own, and the web's link click, site search and timing.
import {
  type Caller,
  checkNumber,
  checkObject,
  checkOptionalInteger,
  checkOptionalText,
  checkText,
  checkTextList,
  fail,
  isAbsent,
} from '../contracts';
import { checkSelfDescribing, type SelfDescribing } from '../protocol/self-describing-json';
import { checkEventArgs, type EventArgs, publicBuilder, selfDescribingEvent, type TrackerEvent } from './event';

const SNOWPLOW = 'iglu:com.snowplowanalytics.snowplow';

/** Arguments of an event of your own schema. */
export interface SelfDescribingEventArgs<T = unknown> extends EventArgs {
  readonly event: SelfDescribing<T>;
}

export function buildSelfDescribingEvent(args: SelfDescribingEventArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkSelfDescribing(caller, 'event', args.event);
  }
  return { fields: { e: 'ue' }, selfDescribing: args.event, args };
}

/**
 * An event of your own schema, `e=ue`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(selfDescribing({ event: { schema: 'iglu:com.acme/basket/jsonschema/1-0-0', data: { items: 3 } } }));
 */
export const selfDescribing = publicBuilder('selfDescribing', buildSelfDescribingEvent);

/** Arguments of a click on a link. */
export interface LinkClickArgs extends EventArgs {
  readonly targetUrl: string;
  readonly elementId?: string | null | undefined;
  readonly elementClasses?: readonly string[] | null | undefined;
  readonly elementTarget?: string | null | undefined;
  readonly elementContent?: string | null | undefined;
}

export function buildLinkClick(args: LinkClickArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkText(caller, 'targetUrl', args.targetUrl);
    for (const name of ['elementId', 'elementTarget', 'elementContent'] as const)
      checkOptionalText(caller, name, args[name]);
    if (!isAbsent(args.elementClasses)) checkTextList(caller, 'elementClasses', args.elementClasses);
  }
  const { targetUrl, elementId, elementClasses, elementTarget, elementContent } = args;
  const data = { targetUrl, elementId, elementClasses, elementTarget, elementContent };
  return selfDescribingEvent(`${SNOWPLOW}/link_click/jsonschema/1-0-1`, data, args);
}

/**
 * A click on a link, self-describing as `link_click/1-0-1`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(linkClick({ targetUrl: 'https://partner.example/tea' }));
 */
export const linkClick = publicBuilder('linkClick', buildLinkClick);

/** Arguments of a search in the site. */
export interface SiteSearchArgs extends EventArgs {
  /** The search terms, at least one. */
  readonly terms: readonly string[];
  readonly filters?: Readonly<Record<string, string | boolean>> | null | undefined;
  readonly totalResults?: number | null | undefined;
  readonly pageResults?: number | null | undefined;
}

export function buildSiteSearch(args: SiteSearchArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkTextList(caller, 'terms', args.terms);
    if (args.terms.length === 0) fail(caller, 'terms', 'an array with at least one string', args.terms);
    if (!isAbsent(args.filters)) {
      checkObject(caller, 'filters', args.filters);
      for (const value of Object.values(args.filters))
        if (typeof value !== 'string' && typeof value !== 'boolean')
          fail(caller, 'filters', 'an object of strings and booleans', value);
    }
    checkOptionalInteger(caller, 'totalResults', args.totalResults, 0);
    checkOptionalInteger(caller, 'pageResults', args.pageResults, 0);
  }
  const { terms, filters, totalResults, pageResults } = args;
  const data = { terms, filters, totalResults, pageResults };
  return selfDescribingEvent(`${SNOWPLOW}/site_search/jsonschema/1-0-0`, data, args);
}

/**
 * A search in the site, self-describing as `site_search/1-0-0`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(siteSearch({ terms: ['green', 'tea'], totalResults: 41 }));
 */
export const siteSearch = publicBuilder('siteSearch', buildSiteSearch);

/** Arguments of a timing. */
export interface TimingArgs extends EventArgs {
  readonly category: string;
  readonly variable: string;
  /** How long it took, in milliseconds. */
  readonly timing: number;
  readonly label?: string | null | undefined;
}

export function buildTiming(args: TimingArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkText(caller, 'category', args.category);
    checkText(caller, 'variable', args.variable);
    checkNumber(caller, 'timing', args.timing);
    checkOptionalText(caller, 'label', args.label);
  }
  const { category, variable, timing: duration, label } = args;
  const data = { category, variable, timing: duration, label };
  return selfDescribingEvent(`${SNOWPLOW}/timing/jsonschema/1-0-0`, data, args);
}

/**
 * How long something took, self-describing as `timing/1-0-0`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(timing({ category: 'search', variable: 'index', timing: 120 }));
 */
export const timing = publicBuilder('timing', buildTiming);
