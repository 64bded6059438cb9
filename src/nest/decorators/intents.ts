// The events that handlers and controllers declare with decorators, kept as metadata on them.
import type {} from 'reflect-metadata';
import type { Builder } from '../../core/tracker/pipeline';

/** When to track an event. `always` includes a guard's refusal, and a visitor who left before the response began. */
export type When = 'success' | 'error' | 'always';

/** One declared event. */
export interface Intent {
  /** The decorator's name, for messages. */
  readonly decorator: string;
  readonly build: Builder<never>;
  /** Values, or functions that return them; or one function that returns all. */
  readonly values: object;
  /** Whether it describes the request itself, and so has the time of its arrival. */
  readonly isView: boolean;
  /** Whether it is a page view, of which a request has at most one. */
  readonly isPageView: boolean;
}

const INTENTS = 'snowplow-middleware:intents';

/** Whether a method or a class declares events itself. */
export const declares = (declaring: object): boolean => Reflect.hasOwnMetadata(INTENTS, declaring);

/** Adds an event to a method or a class. Decorators run from the last to the first, so each is put in front. */
export function declare(declaring: object, intent: Intent): void {
  const below = (Reflect.getOwnMetadata(INTENTS, declaring) ?? []) as readonly Intent[];
  Reflect.defineMetadata(INTENTS, [intent, ...below], declaring);
}

// By class, then by handler, because subclasses share the handlers of their class.
const known = new WeakMap<object, WeakMap<object, readonly Intent[]>>();

/** A handler's events, then those of its class and its superclasses. */
export function intentsOf(handler: object, owner: object): readonly Intent[] {
  let ofOwner = known.get(owner);
  if (!ofOwner) known.set(owner, (ofOwner = new WeakMap()));
  let intents = ofOwner.get(handler);
  if (!intents) ofOwner.set(handler, (intents = readIntents(handler, owner)));
  return intents;
}

function readIntents(handler: object, owner: object): readonly Intent[] {
  const own = (Reflect.getMetadata(INTENTS, handler) ?? []) as readonly Intent[];
  const inherited: Intent[] = [];
  for (let klass: object | null = owner; klass; klass = Object.getPrototypeOf(klass) as object | null)
    inherited.push(...((Reflect.getOwnMetadata(INTENTS, klass) ?? []) as Intent[]));
  // The page view of a class applies only to handlers without one.
  const hasPage = own.some(({ isPageView }) => isPageView);
  return [...own, ...inherited.filter(({ isPageView }) => !(hasPage && isPageView))];
}
