// SnowplowModule: one tracker for the app, mounted before everything else, flushed and closed with the app.
import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  type HttpServer,
  Inject,
  Module,
  type NestModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { ConfigError, show } from '../core/errors';
import { readOptions } from '../core/options';
import type { Tracker } from '../core/tracker/tracker';
import { createTracker } from '../create-tracker';
import { SHUTDOWN_TIMEOUT_MS } from '../middleware/shutdown';
import { trackingGuard } from './decorators/calls';
import { makeHandler, type Mountable, mountedIn } from './mount';
import {
  OPTIONS,
  optionsProviders,
  type ResolvedModule,
  resolveModule,
  type SnowplowExtras,
  type SnowplowModuleAsyncOptions,
  type SnowplowModuleOptions,
  type SnowplowOptions,
} from './options';
import { getTrackerToken } from './tokens';
import { TrackerService } from './tracker.service';

const NAME = Symbol.for('snowplow-middleware.nest.name');
const RESOLVED = Symbol.for('snowplow-middleware.nest.resolved');
const SERVICE = Symbol.for('snowplow-middleware.nest.service');

/**
 * Module that gives every request of a Nest app its tracker, on the Express and the Fastify adapter.
 *
 * @throws ConfigError that names the option, when the app is made.
 * @example
 * \@Module({ imports: [SnowplowModule.forRoot({ endpoint: 'https://collector.acme.com', namespace: 'web', appId: 'shop' })] })
 * class AppModule {}
 */
@Module({})
export class SnowplowModule
  implements NestModule, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly #made: ResolvedModule;
  // The same, with the tracker by which a test may have replaced the created one.
  readonly #options: ResolvedModule;
  readonly #name: string | undefined;
  readonly #host: HttpAdapterHost;
  readonly #container: object;
  #mounted: Mountable | undefined;

  /**
   * The module with its options.
   *
   * @throws ConfigError that names the option, when the app starts.
   */
  static forRoot<Req, Res>(given: SnowplowModuleOptions<Req, Res>): DynamicModule {
    const { name, isGlobal, ...options } = readOptions('SnowplowModule', given);
    return define({ name, isGlobal }, [{ provide: OPTIONS, useValue: options }]);
  }

  /**
   * The module with options that a factory, a class, or a provider of the app creates.
   *
   * @throws ConfigError unless exactly one way is given.
   */
  static forRootAsync<Req, Res>(given: SnowplowModuleAsyncOptions<Req, Res>): DynamicModule {
    const options = readOptions('SnowplowModule', given);
    return { ...define(options, optionsProviders(options)), imports: options.imports ?? [] };
  }

  /** Created by Nest. @internal */
  constructor(
    @Inject(RESOLVED) resolved: ResolvedModule,
    @Inject(NAME) { name }: SnowplowExtras,
    @Inject(SERVICE) service: unknown,
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Inject(ModulesContainer) container: object,
    @Inject(ApplicationConfig) config: ApplicationConfig,
  ) {
    const tracker = trackerOf(service);
    this.#made = resolved;
    this.#options = { ...resolved, tracker, ownsTracker: resolved.ownsTracker && tracker === resolved.tracker };
    this.#name = name;
    this.#host = host;
    this.#container = container;
    const mounted = mountedIn(container);
    const { names } = mounted;
    if (names.has(name))
      throw new ConfigError('SnowplowModule: name', 'different for each tracker of the app', show(name));
    // Runs before the app's guards, which are added when all modules exist.
    if (names.size === 0) config.useGlobalGuards(trackingGuard);
    if (names.size === 0 || name === undefined) mounted.declaring = name;
    names.add(name);
    this.#mount();
    // A testing module gets its adapter later. Nest 10 does not report it; there configure() is the next chance.
    (host as { init$?: Observable<void> }).init$?.subscribe(() => this.#mount());
  }

  /** Called by Nest when it knows the adapter. */
  configure(): void {
    this.#mount();
  }

  // Called in the constructor, because later it would be mounted after the routes on Express, and below the global prefix.
  #mount(): void {
    // A microservice or a standalone application context has none.
    const adapter = this.#host.httpAdapter as HttpServer | undefined;
    if (this.#mounted || !adapter) return;
    const mounted = mountedIn(this.#container);
    this.#mounted = makeHandler(adapter, this.#options, mounted, this.#name);
    const { handle } = this.#mounted;
    if (this.#options.mount) adapter.use(handle);
    else mounted.byHand.push(handle);
  }

  /** Called by Nest when the app starts. */
  onApplicationBootstrap(): void {
    if (process.listenerCount('SIGTERM') === 0)
      this.#options.tracker.log.debug(
        'nothing listens for SIGTERM: call app.enableShutdownHooks(), so that the tracker can send its events',
      );
  }

  /** Sends the waiting events. Does not wait, because requests in flight and the server have yet to end. */
  beforeApplicationShutdown(): void {
    void this.#options.tracker.flush();
  }

  /** Closes the tracker, or flushes a shared one, after the requests have ended. */
  async onApplicationShutdown(): Promise<void> {
    const { tracker, ownsTracker, shutdown } = this.#made;
    const timeoutMs = shutdown?.timeoutMs ?? SHUTDOWN_TIMEOUT_MS;
    await Promise.all([
      this.#options.tracker.flush({ timeoutMs }),
      ownsTracker ? tracker.close({ timeoutMs }) : undefined,
    ]);
    this.#mounted?.end();
  }
}

function define(extras: SnowplowExtras, made: Provider[]): DynamicModule {
  const { name, isGlobal = true } = extras;
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw new ConfigError('SnowplowModule: name', 'a non-empty string', show(name));
  const token = getTrackerToken(name);
  const providers: Provider[] = [
    ...made,
    { provide: NAME, useValue: { name } },
    {
      provide: RESOLVED,
      useFactory: (options: SnowplowOptions<object, object>) => resolveModule(name, options),
      inject: [OPTIONS],
    },
    {
      provide: token,
      useFactory: (resolved: ResolvedModule) => new TrackerService(resolved.tracker, resolved.name),
      inject: [RESOLVED],
    },
    // A test may have overridden either.
    { provide: SERVICE, useExisting: name === undefined ? TrackerService : token },
  ];
  if (name !== undefined) return { module: SnowplowModule, global: isGlobal, providers, exports: [token] };
  providers.push({ provide: TrackerService, useExisting: token });
  return { module: SnowplowModule, global: isGlobal, providers, exports: [token, TrackerService] };
}

/** The tracker behind the injected service. A test's fake has none, and then nothing is sent. */
function trackerOf(service: unknown): Tracker {
  const { app } = service as Partial<TrackerService>;
  return app ?? createTracker({ endpoint: 'localhost', enabled: false, logger: false });
}
