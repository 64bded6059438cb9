// Builders of views: page view, page ping, screen view.
import {
  type Caller,
  checkId,
  checkOptionalInteger,
  checkOptionalText,
  checkOptionalUuid,
  checkText,
  fail,
  type Id,
  idText,
  INT32_MAX,
  isAbsent,
} from '../contracts';
import {
  checkEventArgs,
  type EventArgs,
  newEventId,
  publicBuilder,
  selfDescribingEvent,
  type TrackerEvent,
} from './event';

/** Arguments of a page view. */
export interface PageViewArgs extends EventArgs {
  /** The page's URL; in a request it defaults to the request's own. */
  readonly pageUrl?: string | null | undefined;
  readonly pageTitle?: string | null | undefined;
  /** The previous page. */
  readonly referrer?: string | null | undefined;
}

function checkPage(caller: string, args: PageViewArgs): void {
  checkEventArgs(caller, args);
  if (args.pageUrl !== undefined && args.pageUrl !== null) checkText(caller, 'pageUrl', args.pageUrl);
  checkOptionalText(caller, 'pageTitle', args.pageTitle);
  checkOptionalText(caller, 'referrer', args.referrer);
}

export function buildPageView(args: PageViewArgs, caller: Caller): TrackerEvent {
  if (caller) checkPage(caller, args);
  return { fields: { e: 'pv', url: args.pageUrl, page: args.pageTitle, refr: args.referrer }, args };
}

/**
 * A page view, `e=pv`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(pageView({ pageUrl: 'https://shop.acme.com/tea', pageTitle: 'Tea' }));
 */
export const pageView = publicBuilder('pageView', buildPageView);

/** Arguments of a page ping. */
export interface PagePingArgs extends PageViewArgs {
  /** Minimum and maximum scroll offsets since the last ping, integers in pixels; a page that bounces has negative ones. */
  readonly minX?: number | null | undefined;
  readonly maxX?: number | null | undefined;
  readonly minY?: number | null | undefined;
  readonly maxY?: number | null | undefined;
}

export function buildPagePing(args: PagePingArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkPage(caller, args);
    for (const name of ['minX', 'maxX', 'minY', 'maxY'] as const)
      checkOptionalInteger(caller, name, args[name], -INT32_MAX);
  }
  const { pageUrl, pageTitle, referrer, minX, maxX, minY, maxY } = args;
  const offsets = { pp_mix: minX, pp_max: maxX, pp_miy: minY, pp_may: maxY };
  return { fields: { e: 'pp', url: pageUrl, page: pageTitle, refr: referrer, ...offsets }, args };
}

/**
 * A sign that the visitor is still on a page, `e=pp`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(pagePing({ pageUrl: 'https://shop.acme.com/tea', minY: 0, maxY: 640 }));
 */
export const pagePing = publicBuilder('pagePing', buildPagePing);

/** Arguments of a screen view. */
export interface ScreenViewArgs extends EventArgs {
  /** The screen's name; a name or an id is required. */
  readonly name?: string | null | undefined;
  readonly id?: Id | null | undefined;
}

export function buildScreenView(args: ScreenViewArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkOptionalText(caller, 'name', args.name);
    if (!isAbsent(args.id)) checkId(caller, 'id', args.id);
    if (isAbsent(args.name) && isAbsent(args.id))
      fail(caller, 'name', 'a non-empty string, unless there is an `id`', args.name);
  }
  const { name, id } = args;
  return selfDescribingEvent(
    'iglu:com.snowplowanalytics.snowplow/screen_view/jsonschema/1-0-0',
    { name, id: idText(id) },
    args,
  );
}

/**
 * A screen view, self-describing as `screen_view/1-0-0`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(screenView({ name: 'Home' }));
 */
export const screenView = publicBuilder('screenView', buildScreenView);

/** Arguments of a mobile app's screen view. */
export interface MobileScreenViewArgs extends EventArgs {
  readonly name: string;
  /** A UUID of this view; generated if absent. */
  readonly id?: string | null | undefined;
  readonly type?: string | null | undefined;
  readonly previousName?: string | null | undefined;
  readonly previousId?: string | null | undefined;
  readonly previousType?: string | null | undefined;
  readonly transitionType?: string | null | undefined;
}

export function buildMobileScreenView(args: MobileScreenViewArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkText(caller, 'name', args.name);
    checkOptionalUuid(caller, 'id', args.id);
    checkOptionalUuid(caller, 'previousId', args.previousId);
    for (const name of ['type', 'previousName', 'previousType', 'transitionType'] as const)
      checkOptionalText(caller, name, args[name]);
  }
  const { name, id, type, previousName, previousId, previousType, transitionType } = args;
  return selfDescribingEvent(
    'iglu:com.snowplowanalytics.mobile/screen_view/jsonschema/1-0-0',
    { name, id: isAbsent(id) ? newEventId() : id, type, previousName, previousId, previousType, transitionType },
    args,
  );
}

/**
 * A screen view of a mobile app, self-describing as `com.snowplowanalytics.mobile/screen_view/1-0-0`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(mobileScreenView({ name: 'Basket', previousName: 'Home' }));
 */
export const mobileScreenView = publicBuilder('mobileScreenView', buildMobileScreenView);
