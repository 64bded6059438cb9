// Real Nest apps for the tests: one module, either adapter, any free port.
import 'reflect-metadata';
import { type INestApplication, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Collector } from '../../../src/collector';
import { SnowplowModule, type SnowplowModuleOptions } from '../../../src/nest';

export const ADAPTERS = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
] as const;
export type MakeAdapter = (typeof ADAPTERS)[number][1];

export interface RunningNest {
  readonly app: INestApplication;
  readonly url: string;
}

/** Options for a tracker that sends at once to the collector. */
export const sendingTo = (collector: Collector): { endpoint: string; namespace: string; emitter: { batchSize: number } } => ({
  endpoint: collector.url,
  namespace: 'web',
  emitter: { batchSize: 1 },
}); // prettier-ignore

/** Starts an app of these controllers and providers, with a SnowplowModule unless `imports` brings one. */
export async function startNest(
  makeAdapter: MakeAdapter,
  metadata: ModuleMetadata,
  snowplow?: SnowplowModuleOptions,
  prepare: (app: INestApplication) => void = () => {},
): Promise<RunningNest> {
  @Module({ ...metadata, imports: [...(metadata.imports ?? []), ...(snowplow ? [SnowplowModule.forRoot(snowplow)] : [])] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, makeAdapter(), { logger: false, abortOnError: false });
  prepare(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  return { app, url: `http://127.0.0.1:${port}` };
} // prettier-ignore

/** Resolves when every response that `app` has begun is over, and its tracker has sent what it holds. */
export function settling(app: INestApplication, tracker: { flush(): Promise<unknown> }): () => Promise<void> {
  let open = 0;
  app.getHttpServer().prependListener('request', (_req: unknown, res: NodeJS.EventEmitter) => {
    open++;
    res.once('close', () => open--);
  });
  return async () => {
    while (open > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await tracker.flush();
  };
}
