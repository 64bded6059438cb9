// The adapter contract on Nest 11, on the Express and on the Fastify adapter.
import 'reflect-metadata';
import {
  All,
  Catch,
  type ExceptionFilter,
  type ArgumentsHost,
  Controller,
  Module,
  NotFoundException,
  Req,
  Res,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Request, Response } from 'express';
import type { Server } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SnowplowModule } from '../../../src/nest';
import '../../../src/fastify';
import { testAdapter } from '../../conformance/adapter';
import { SELF_SIGNED } from '../../support/self-signed';
import { type Call, FORWARDED, type RunningApp, type Setup } from '../../conformance/adapter-world';

const onExpress = (req: Request, res: Response): Call => ({
  tracker: req.tracker,
  query: new URL(req.originalUrl, 'http://a').searchParams,
  raw: { req, res },
  send(status, body, headers = {}) {
    res.status(status).set(headers);
    if (typeof body === 'string') res.send(body);
    else body.pipe(res);
    return undefined;
  },
  takeRaw: () => res,
});

const onFastify = (request: FastifyRequest, reply: FastifyReply): Call => ({
  tracker: request.tracker,
  query: new URL(request.originalUrl, 'http://a').searchParams,
  raw: { req: request.raw, res: reply.raw },
  send: (status, body, headers = {}) => reply.code(status).headers(headers).send(body),
  takeRaw() {
    reply.hijack();
    return reply.raw;
  },
});

async function start<Req, Res>(
  adapter: ExpressAdapter | FastifyAdapter,
  toCall: (req: Req, res: Res) => Call,
  { mounts, mountPath, handle, onError }: Setup,
): Promise<RunningApp> {
  @Catch()
  class Failed implements ExceptionFilter {
    catch(error: unknown, host: ArgumentsHost): void {
      const call = toCall(host.switchToHttp().getRequest<Req>(), host.switchToHttp().getResponse<Res>());
      if (error instanceof NotFoundException) return void call.send(404, 'not found');
      onError?.(call, error);
      call.send(418, String(error));
    }
  }
  @Controller('r')
  class Routes {
    @All(':name')
    async any(@Req() req: Req, @Res() res: Res): Promise<void> {
      await handle(toCall(req, res));
    }
  }
  @Module({
    imports: mounts.map((options, index) =>
      SnowplowModule.forRoot({ ...options, name: index === 0 ? undefined : options.tracker.namespace }),
    ),
    controllers: [Routes],
  })
  class AppModule {}

  const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter as FastifyAdapter, {
    logger: false,
    abortOnError: false,
  });
  app.useGlobalFilters(new Failed());
  if (mountPath !== '') app.setGlobalPrefix(mountPath);
  await app.init();
  if (adapter instanceof FastifyAdapter) await app.getHttpAdapter().getInstance().ready();
  return { server: app.getHttpServer() as unknown as Server, close: () => app.close() };
}

testAdapter('Nest 11 on Express', {
  route: '/r/:name',
  trusting: [true, 'first'],
  http2: false,
  trust: [
    [undefined, '127.0.0.1'],
    [1, FORWARDED.split(', ')[2] as string],
    [true, FORWARDED.split(', ')[0] as string],
    ['loopback, 10.0.0.0/8', FORWARDED.split(', ')[1] as string],
  ],
  start(setup) {
    const adapter = new ExpressAdapter();
    // Its header would keep all others where they can be asked for.
    adapter.disable('x-powered-by');
    if (setup.trust !== undefined) adapter.set('trust proxy', setup.trust);
    return start(adapter, onExpress, setup);
  },
});

testAdapter('Nest 11 on Fastify', {
  route: '/r/:name',
  trusting: [true, 'last'],
  http2: true,
  trust: [
    [undefined, '127.0.0.1'],
    [true, FORWARDED.split(', ')[0] as string],
    ['127.0.0.1, 10.0.0.0/8', FORWARDED.split(', ')[1] as string],
  ],
  start({ trust = false, ...setup }) {
    const tls = setup.http2 && { http2: true, https: SELF_SIGNED };
    return start(new FastifyAdapter({ trustProxy: trust as boolean, ...tls } as object), onFastify, {
      trust,
      ...setup,
    });
  },
});
