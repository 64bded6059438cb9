// What handlers and controllers declare with decorators, kept as metadata on them.
import type {} from 'reflect-metadata';
import type { Builder } from '../core/tracker-core';

/** Which answers an event is for. `always` includes a guard's refusal, and a visitor who left before there was one. */
export type When = 'success' | 'error' | 'always';

/** One declared event. */
export interface Intent {
  /** The decorator's name, for messages. */
  readonly decorator: string;
  readonly build: Builder<never>;
  /** Values, or functions that give them; or one function that gives all. */
  readonly values: object;
  /** Whether it stands for the visit itself, and so for the time of its arrival. */
  readonly isView: boolean;
}

const INTENTS = 'snowplow-middleware:intents';
const OWNER = 'snowplow-middleware:owner';

/** The list of a method or a class, made where there is none. Nest copies a method's list, the same one, to its route. */
function listOf(target: object): Intent[] {
  let list = Reflect.getOwnMetadata(INTENTS, target) as Intent[] | undefined;
  if (!list) Reflect.defineMetadata(INTENTS, (list = []), target);
  return list;
}

/** Adds an event to a method or a class; decorators run from below, so that the first one written comes first. */
export function declare(target: object, intent: Intent): void {
  listOf(target).unshift(intent);
}

/** Tells a method whose class has declared events. */
export function declareOwner(method: object, owner: object): void {
  listOf(method);
  Reflect.defineMetadata(OWNER, owner, method);
}

/** What stands for a handler, be it the method or the route that Nest makes of it. */
export const identityOf = (handler: object): object => (Reflect.getMetadata(INTENTS, handler) as object) ?? handler;

/** The route of a decorated handler, among the functions that a framework has run. */
export const isDeclared = (handler: unknown): handler is object =>
  typeof handler === 'function' && Reflect.hasMetadata(INTENTS, handler);

/** A handler's events, then those of its class and the classes that this one extends. */
export function intentsOf(handler: object, owner: object | undefined): readonly Intent[] {
  const own = (Reflect.getMetadata(INTENTS, handler) ?? []) as readonly Intent[];
  const inherited: Intent[] = [];
  let klass = owner ?? (Reflect.getMetadata(OWNER, handler) as object | undefined);
  for (; klass; klass = Object.getPrototypeOf(klass) as object | undefined)
    inherited.push(...((Reflect.getOwnMetadata(INTENTS, klass) ?? []) as Intent[]));
  // A class's page view is for the handlers that have none of their own: a page has one title.
  const hasPage = own.some(isPage);
  return [...own, ...inherited.filter((intent) => !(hasPage && isPage(intent)))];
}

const isPage = ({ decorator }: Intent): boolean => decorator === 'TrackPageView';
