// The entry point `snowplow-middleware/fastify`: a plugin for Fastify 4 and 5.
// Layer 4: may import middleware/, create-tracker and core. Next: framework.ts, then middleware/middleware.ts, which does the work.
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestTracker } from '../core/tracker/tracker';
import { Middleware } from '../middleware/middleware';
import { type MiddlewareOptions, resolveMiddleware } from '../middleware/options';
import { fastify, mount } from './framework';

declare module 'fastify' {
  interface FastifyRequest {
    /** Tracks for the visitor of this request. */
    tracker: RequestTracker;
  }
}

/** The hooks receive Fastify's request; `pageViews` also receives its reply. */
export type FastifyOptions = MiddlewareOptions<FastifyRequest, FastifyReply>;

/**
 * Plugin that gives every request a `request.tracker`, whose events carry the visitor's address, user agent, browser ids and
 * page. `app.close()` sends the remaining events.
 *
 * @throws ConfigError that names the option, when the app gets ready.
 * @example
 * await app.register(snowplow, { endpoint: 'https://collector.acme.com', namespace: 'web', appId: 'shop' });
 * app.get('/basket', async (request) => {
 *   request.tracker.trackStructEvent({ category: 'shop', action: 'add-to-basket', label: 'pcs', value: 2 });
 *   return 'ok';
 * });
 */
export const snowplow: FastifyPluginAsync<FastifyOptions> = async (instance, options) => {
  const resolved = resolveMiddleware('snowplow', options);
  const { tracker, ownsTracker, shutdown } = resolved;
  const middleware = new Middleware(fastify, resolved);
  mount(instance, middleware);
  // At this time every request in flight has been answered.
  instance.addHook('onClose', async () => {
    await (ownsTracker ? tracker.close(shutdown) : tracker.flush());
    middleware.end();
  });
};

// The metadata that fastify-plugin would set: the plugin applies to the whole app, not to one branch.
Object.assign(snowplow, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'snowplow-middleware',
  [Symbol.for('plugin-meta')]: { name: 'snowplow-middleware', fastify: '>=4.20.0 <6' },
});
