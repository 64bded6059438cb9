// The types of a Fastify app.
import fastify from 'fastify';
import { snowplow } from 'snowplow-middleware/fastify';

const app = fastify();
await app.register(snowplow, {
  endpoint: 'c.test',
  skip: (request) => request.url === '/',
  pageViews: (_request, reply) => reply.statusCode === 200,
});
app.get('/', async (request) => {
  request.tracker.trackPageView({ pageTitle: 'Home' }).setSubject(request.tracker.subject);
  return 'ok';
});
// @ts-expect-error -- no such event
app.get('/', async (request) => request.tracker.trackNothing());
