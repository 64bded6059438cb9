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

/** Whether a method or a class has declared events itself. */
export const declares = (declaring: object): boolean => Reflect.hasOwnMetadata(INTENTS, declaring);

/** Adds an event to a method or a class; decorators run from below, so that the first one written comes first. */
export function declare(declaring: object, intent: Intent): void {
  const below = (Reflect.getOwnMetadata(INTENTS, declaring) ?? []) as readonly Intent[];
  Reflect.defineMetadata(INTENTS, [intent, ...below], declaring);
}

/** Tells the methods of a class whose they are, so that it is known of a handler that a guard has kept from being reached. */
export function declareOwner(owner: { readonly prototype: object }): void {
  for (const { value } of Object.values(Object.getOwnPropertyDescriptors(owner.prototype)))
    if (typeof value === 'function' && value !== owner) Reflect.defineMetadata(OWNER, owner, value as object);
}

/** The route of a decorated handler, among the functions that a framework has run: Nest copies a method's metadata to it. */
export const isDeclared = (handler: unknown): handler is object =>
  typeof handler === 'function' && (Reflect.hasMetadata(INTENTS, handler) || Reflect.hasMetadata(OWNER, handler));

/** A handler's events, then those of its class and the classes that this one extends. */
export function intentsOf(handler: object, owner: object | undefined): readonly Intent[] {
  const own = (Reflect.getMetadata(INTENTS, handler) ?? []) as readonly Intent[];
  const inherited: Intent[] = [];
  let klass = owner ?? (Reflect.getMetadata(OWNER, handler) as object | undefined);
  for (; klass; klass = Object.getPrototypeOf(klass) as object | undefined)
    inherited.push(...((Reflect.getOwnMetadata(INTENTS, klass) ?? []) as Intent[]));
  // A class's page view is for the handlers that have none of their own.
  const hasPage = own.some(isPage);
  return [...own, ...inherited.filter((intent) => !(hasPage && isPage(intent)))];
}

/** Whether it is a page view: a page has one title, and a request one view of it. */
export const isPage = ({ decorator }: Intent): boolean => decorator === 'TrackPageView';
