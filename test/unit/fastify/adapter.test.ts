// The adapter contract on Fastify 4 and 5.
import fastify5, { type FastifyReply, type FastifyRequest } from 'fastify';
import fastify4 from 'fastify4';
import { snowplow } from '../../../src/fastify';
import { testAdapter } from '../../conformance/adapter';
import { SELF_SIGNED } from '../../support/self-signed';
import { type Adapter, type Call, FORWARDED } from '../../conformance/adapter-world';

const call = (request: FastifyRequest, reply: FastifyReply): Call => ({
  tracker: request.tracker,
  query: new URL(request.originalUrl, 'http://a').searchParams,
  raw: { req: request.raw, res: reply.raw },
  send: (status, body, headers = {}) => reply.code(status).headers(headers).send(body),
  takeRaw() {
    reply.hijack();
    return reply.raw;
  },
});

// The two majors count hops differently: with 1, Fastify 4 believes the nearest proxy, and Fastify 5 only itself.
const adapter = (fastify: typeof fastify5, oneHop: string): Adapter => ({
  route: '/r/:name',
  trusting: [true, 'last'],
  http2: true,
  trust: [
    [undefined, '127.0.0.1'],
    [1, oneHop],
    [true, FORWARDED.split(', ')[0] as string],
    ['127.0.0.1, 10.0.0.0/8', FORWARDED.split(', ')[1] as string],
  ],
  async start({ mounts, trust, http2, mountPath, handle, onError }) {
    const app = fastify({
      trustProxy: (trust ?? false) as boolean,
      ...(http2 && { http2, https: SELF_SIGNED }),
    } as object);
    for (const options of mounts) await app.register(snowplow, options);
    app.setErrorHandler((error, request, reply) => {
      onError?.(call(request, reply), error);
      return reply.code(418).send(String(error));
    });
    await app.register(
      async (branch) => {
        branch.all('/r/:name', async (request, reply) => handle(call(request, reply)));
      },
      { prefix: mountPath },
    );
    await app.ready();
    return { server: app.server, close: () => app.close() };
  },
});

testAdapter('Fastify 4', adapter(fastify4, FORWARDED.split(', ')[2] as string));
testAdapter('Fastify 5', adapter(fastify5, '127.0.0.1'));
