// The events that handlers and controllers declare with decorators, kept as metadata on them.
import type {} from 'reflect-metadata';
import type { Builder } from '../../core/tracker/pipeline';

/** Which answers an event is for. `always` includes a guard's refusal, and a visitor who left before there was one. */
export type When = 'success' | 'error' | 'always';

/** One declared event. */
export interface Intent {
  /** The decorator's name, for messages. */
  readonly decorator: string;
  readonly build: Builder<never>;
  /** Values, or functions that give them; or one function that gives all. */
  readonly values: object;
  /** Whether it stands for the request itself, and so for the time of its arrival. */
  readonly isView: boolean;
  /** Whether it is a page view: a page has one title, and a request one view of it. */
  readonly isPageView: boolean;
}

const INTENTS = 'snowplow-middleware:intents';

/** Whether a method or a class has declared events itself. */
export const declares = (declaring: object): boolean => Reflect.hasOwnMetadata(INTENTS, declaring);

/** Adds an event to a method or a class; decorators run from below, so that the first one written comes first. */
export function declare(declaring: object, intent: Intent): void {
  const below = (Reflect.getOwnMetadata(INTENTS, declaring) ?? []) as readonly Intent[];
  Reflect.defineMetadata(INTENTS, [intent, ...below], declaring);
}

// By class, then by handler: classes that extend one have its handlers in common.
const known = new WeakMap<object, WeakMap<object, readonly Intent[]>>();

/** A handler's events, then those of its class and the classes that this one extends. */
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
  // A class's page view is for the handlers that have none of their own.
  const hasPage = own.some(({ isPageView }) => isPageView);
  return [...own, ...inherited.filter(({ isPageView }) => !(hasPage && isPageView))];
}
