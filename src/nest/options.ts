// The module's options: those of every middleware, and the ways in which Nest supplies them.
import { Logger as NestLogger, type ModuleMetadata, type Provider, type Type } from '@nestjs/common';
import { ConfigError, show } from '../core/errors';
import type { Logger } from '../core/logger';
import { readOptions } from '../core/options';
import { type MiddlewareOptions, type ResolvedMiddleware, resolveMiddleware } from '../middleware/options';
import type { NestRequest } from './decorators/decorators';

/** The properties of a response on both adapters. */
export interface NestResponse {
  readonly statusCode: number;
}

/** Options that a factory can supply later. */
export type SnowplowOptions<Req = NestRequest, Res = NestResponse> = MiddlewareOptions<Req, Res> & {
  /** Whether the module mounts itself. With false, apply {@link SnowplowMiddleware} yourself. @default true */
  mount?: boolean | undefined;
};

/** Options that must be known when the module is declared. */
export interface SnowplowExtras {
  /** The tracker's name for `@InjectTracker(name)`, if an app has several. @default none */
  name?: string | undefined;
  /** Whether every module of the app can inject the tracker. @default true */
  isGlobal?: boolean | undefined;
}

/** Options of `SnowplowModule.forRoot`. */
export type SnowplowModuleOptions<Req = NestRequest, Res = NestResponse> = SnowplowOptions<Req, Res> & SnowplowExtras;

/** A provider that creates the options. */
export interface SnowplowOptionsFactory<Req = NestRequest, Res = NestResponse> {
  createSnowplowOptions(): Promise<SnowplowOptions<Req, Res>> | SnowplowOptions<Req, Res>;
}

/** One of `useFactory`, `useClass` and `useExisting`. */
export interface SnowplowModuleAsyncOptions<Req = NestRequest, Res = NestResponse>
  extends SnowplowExtras, Pick<ModuleMetadata, 'imports'> {
  /** Returns the options, or a promise of them. Receives the providers that `inject` names. */
  useFactory?:
    ((...dependencies: never[]) => Promise<SnowplowOptions<Req, Res>> | SnowplowOptions<Req, Res>) | undefined;
  /** The tokens of the arguments of `useFactory`. */
  inject?: readonly unknown[] | undefined;
  /** A class that creates the options; the module instantiates it. */
  useClass?: Type<SnowplowOptionsFactory<Req, Res>> | undefined;
  /** A provider of the app that creates the options. */
  useExisting?: Type<SnowplowOptionsFactory<Req, Res>> | undefined;
}

export const OPTIONS = Symbol.for('snowplow-middleware.nest.options');

/** The providers that create the options. @throws ConfigError unless exactly one way is given. */
export function optionsProviders<Req, Res>(options: SnowplowModuleAsyncOptions<Req, Res>): Provider[] {
  const { useFactory, useClass, useExisting, inject = [] } = options;
  const ways = [useFactory, useClass, useExisting].filter((way) => way !== undefined);
  if (ways.length !== 1)
    throw new ConfigError('SnowplowModule.forRootAsync', 'given one of useFactory, useClass and useExisting', `${ways.length} of them`); // prettier-ignore
  if (useFactory) return [{ provide: OPTIONS, useFactory: useFactory as () => unknown, inject: [...inject] as [] }];
  const factory = (useClass ?? useExisting) as Type<SnowplowOptionsFactory>;
  const made = { provide: OPTIONS, useFactory: (one: SnowplowOptionsFactory) => one.createSnowplowOptions(), inject: [factory] }; // prettier-ignore
  return useClass ? [useClass, made] : [made];
}

/** The options, resolved. */
export interface ResolvedModule extends ResolvedMiddleware<object, object> {
  readonly mount: boolean;
}

/** @throws ConfigError that names the option. */
export function resolveModule(name: string | undefined, options: SnowplowOptions<object, object>): ResolvedModule {
  const { mount = true, ...rest } = readOptions('SnowplowModule', options);
  if (typeof mount !== 'boolean') throw new ConfigError('SnowplowModule: mount', 'true or false', show(mount));
  const logger = 'tracker' in rest && rest.tracker ? {} : { logger: rest.logger ?? nestLogger() };
  const resolved = resolveMiddleware('SnowplowModule', { ...rest, ...logger } as MiddlewareOptions<object, object>);
  return { ...resolved, name: name ?? resolved.name, mount };
}

/** Nest's logger, so that the app's log settings apply. */
function nestLogger(): Logger {
  const nest = new NestLogger('Snowplow');
  const method =
    (level: 'debug' | 'log' | 'warn' | 'error') =>
    (message: string, fields?: object): void =>
      nest[level](message, ...(fields ? [fields] : []));
  return { debug: method('debug'), info: method('log'), warn: method('warn'), error: method('error') };
}
