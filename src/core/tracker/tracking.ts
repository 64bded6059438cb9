// What handlers use: every trackXxx method, on top of one way to build and dispatch an event.
import type { TimeLimit } from '../deadline';
import type { FlushReport } from '../emitter';
import {
  buildAddToCart,
  buildEcommerceTransaction,
  buildEcommerceTransactionItem,
  buildRemoveFromCart,
  type CartArgs,
  type EcommerceTransactionArgs,
  type EcommerceTransactionItemArgs,
} from '../events/commerce';
import { buildError, type ErrorArgs } from '../events/error';
import type { EventArgs, TrackerEvent } from '../events/event';
import { buildFormChange, buildFormSubmit, type FormChangeArgs, type FormSubmitArgs } from '../events/form';
import { buildGiven } from '../events/given';
import {
  buildMobileScreenView,
  buildPagePing,
  buildPageView,
  buildScreenView,
  type MobileScreenViewArgs,
  type PagePingArgs,
  type PageViewArgs,
  type ScreenViewArgs,
} from '../events/page';
import {
  buildLinkClick,
  buildSelfDescribingEvent,
  buildSiteSearch,
  buildTiming,
  type LinkClickArgs,
  type SelfDescribingEventArgs,
  type SiteSearchArgs,
  type TimingArgs,
} from '../events/self-describing';
import { buildStructEvent, type StructEventArgs } from '../events/structured';
import type { SelfDescribing } from '../protocol/self-describing-json';
import type { Subject } from '../protocol/subject';
import type { Builder, TrackerStats } from './pipeline';

/**
 * What a tracker, a request's tracker and Nest's TrackerService have in common. Every `trackXxx` takes one object and
 * returns the tracker, so that calls chain; `track()` takes a built event and returns its id.
 *
 * A broken contract throws a ContractError, or is logged and refused, depending on the tracker's `contracts` mode. Nothing
 * else throws, and nothing waits: delivery happens later, and `stats()`, `flush()` and the callbacks report it.
 *
 * @example
 * function checkout(tracker: Tracking): void {
 *   tracker.trackStructEvent({ category: 'shop', action: 'pay' }).trackTiming({ category: 'shop', variable: 'pay', timing: 80 });
 * }
 */
export abstract class Tracking {
  /**
   * Tracks an event made by a builder such as `pageView(args)`, or self-describing data: `{ schema, data }`, or what a
   * function of `defineSchema` makes.
   *
   * @param args The arguments that every event takes: `context`, `timestamp`, `subject`, `eventId`, `anonymous`. They override
   *   the event's own; entities are added to the event's.
   * @returns the event's id; undefined if no emitter accepted it.
   * @throws ContractError in contract mode `throw`.
   * @example
   * const id = tracker.track(structEvent({ category: 'shop', action: 'pay' }));
   * tracker.track(basket({ items: 3 }), { context: [user({ id: 'u-17' })] });
   */
  track(event: TrackerEvent | SelfDescribing, args?: EventArgs): string | undefined {
    return this.dispatch('track', buildGiven, { event, args });
  }

  /** Who and what this tracker's events are about. */
  abstract readonly subject: Subject;

  /** Replaces the subject; in a request, only for this request. */
  abstract setSubject(subject: Subject): this;

  /**
   * A tracker with the same emitters and settings whose events are about `subject`; cheap enough for every request. In a
   * request, the request's privacy mode (`skip`, `anonymous`, privacy signals) holds for them too.
   */
  abstract withSubject(subject: Subject): Tracking;

  /**
   * Sends everything accepted before the call, at once.
   *
   * @param limit How long to wait, in milliseconds or as `{ timeoutMs }`; 10,000 by default.
   * @returns what became of the events; never rejects.
   * @example
   * const { remaining } = await tracker.flush();
   */
  abstract flush(limit?: TimeLimit): Promise<FlushReport>;

  /** What this tracker and its emitters have done so far. */
  abstract stats(): TrackerStats;

  /** Builds an event with one of the package's builders and tracks it. */
  protected abstract dispatch<Args>(caller: string, build: Builder<Args>, args: Args): string | undefined;

  /** Dispatches on another tracker, of which this one is a facade. */
  protected static dispatchOn<Args>(
    other: Tracking,
    caller: string,
    build: Builder<Args>,
    args: Args,
  ): string | undefined {
    return other.dispatch(caller, build, args);
  }

  /**
   * A page view, `e=pv`. In a request `pageUrl` defaults to the request's own.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * req.tracker.trackPageView({ pageTitle: 'Tea' });
   */
  trackPageView(args: PageViewArgs = {}): this {
    this.dispatch('trackPageView', buildPageView, args);
    return this;
  }

  /**
   * A sign that the visitor is still on a page, `e=pp`.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackPagePing({ pageUrl: 'https://shop.acme.com/tea', minY: 0, maxY: 640 });
   */
  trackPagePing(args: PagePingArgs): this {
    this.dispatch('trackPagePing', buildPagePing, args);
    return this;
  }

  /**
   * A screen view, `screen_view/1-0-0`; a name or an id is required.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackScreenView({ name: 'Home' });
   */
  trackScreenView(args: ScreenViewArgs): this {
    this.dispatch('trackScreenView', buildScreenView, args);
    return this;
  }

  /**
   * A screen view of a mobile app, `com.snowplowanalytics.mobile/screen_view/1-0-0`.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackMobileScreenView({ name: 'Basket' });
   */
  trackMobileScreenView(args: MobileScreenViewArgs): this {
    this.dispatch('trackMobileScreenView', buildMobileScreenView, args);
    return this;
  }

  /**
   * A structured event, `e=se`.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackStructEvent({ category: 'shop', action: 'add-to-basket', label: 'pcs', value: 2 });
   */
  trackStructEvent(args: StructEventArgs): this {
    this.dispatch('trackStructEvent', buildStructEvent, args);
    return this;
  }

  /**
   * An event of your own schema, `e=ue`.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackSelfDescribingEvent({ event: { schema: 'iglu:com.acme/basket/jsonschema/1-0-0', data: { items: 3 } } });
   */
  trackSelfDescribingEvent<T>(args: SelfDescribingEventArgs<T>): this {
    this.dispatch('trackSelfDescribingEvent', buildSelfDescribingEvent, args);
    return this;
  }

  /** The older name of {@link trackSelfDescribingEvent}. */
  trackUnstructEvent<T>(args: SelfDescribingEventArgs<T>): this {
    this.dispatch('trackUnstructEvent', buildSelfDescribingEvent, args);
    return this;
  }

  /**
   * A transaction, `e=tr`, with one `e=ti` per item: accepted or refused as a whole.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackEcommerceTransaction({ orderId: 'T-77', totalValue: 9, items: [{ sku: 'TEA-1', price: 4.5, quantity: 2 }] });
   */
  trackEcommerceTransaction(args: EcommerceTransactionArgs): this {
    this.dispatch('trackEcommerceTransaction', buildEcommerceTransaction, args);
    return this;
  }

  /**
   * One item of a transaction, `e=ti`.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackEcommerceTransactionItem({ orderId: 'T-77', sku: 'TEA-1', price: 4.5, quantity: 2 });
   */
  trackEcommerceTransactionItem(args: EcommerceTransactionItemArgs): this {
    this.dispatch('trackEcommerceTransactionItem', buildEcommerceTransactionItem, args);
    return this;
  }

  /**
   * A click on a link, `link_click/1-0-1`.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackLinkClick({ targetUrl: 'https://partner.example/tea' });
   */
  trackLinkClick(args: LinkClickArgs): this {
    this.dispatch('trackLinkClick', buildLinkClick, args);
    return this;
  }

  /**
   * An addition to a cart, `add_to_cart/1-0-0`.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackAddToCart({ sku: 'TEA-1', quantity: 2 });
   */
  trackAddToCart(args: CartArgs): this {
    this.dispatch('trackAddToCart', buildAddToCart, args);
    return this;
  }

  /**
   * A removal from a cart, `remove_from_cart/1-0-0`.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackRemoveFromCart({ sku: 'TEA-1', quantity: 1 });
   */
  trackRemoveFromCart(args: CartArgs): this {
    this.dispatch('trackRemoveFromCart', buildRemoveFromCart, args);
    return this;
  }

  /**
   * A changed form field, `change_form/1-0-0`.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackFormChange({ formId: 'signup', nodeName: 'INPUT', type: 'email' });
   */
  trackFormChange(args: FormChangeArgs): this {
    this.dispatch('trackFormChange', buildFormChange, args);
    return this;
  }

  /**
   * A submitted form, `submit_form/1-0-0`.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackFormSubmit({ formId: 'signup' });
   */
  trackFormSubmit(args: FormSubmitArgs): this {
    this.dispatch('trackFormSubmit', buildFormSubmit, args);
    return this;
  }

  /**
   * A search on the site, `site_search/1-0-0`.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackSiteSearch({ terms: ['green', 'tea'], totalResults: 41 });
   */
  trackSiteSearch(args: SiteSearchArgs): this {
    this.dispatch('trackSiteSearch', buildSiteSearch, args);
    return this;
  }

  /**
   * How long something took, `timing/1-0-0`; `timing` in milliseconds.
   *
   * @throws ContractError in contract mode `throw`.
   * @example
   * tracker.trackTiming({ category: 'search', variable: 'index', timing: 120 });
   */
  trackTiming(args: TimingArgs): this {
    this.dispatch('trackTiming', buildTiming, args);
    return this;
  }

  /**
   * An error of the application, `application_error/1-0-2`; its texts are truncated to the schema's limits.
   *
   * @param error The thrown value: usually an Error, but any value can be thrown.
   * @example
   * try { pay(); } catch (error) { tracker.trackError(error, { isFatal: false }); throw error; }
   */
  trackError(error: unknown, args: Omit<ErrorArgs, 'error'> = {}): this {
    this.dispatch('trackError', (given, caller) => buildError({ ...given, error }, caller), args);
    return this;
  }
}
