// A Nest app as a separate program, in plain JavaScript, because it runs the built package.

/**
 * The source of an app with the routes `quick`, `slow` (700 ms) and whatever `routes` adds.
 *
 * @param adapter The expression that makes its adapter.
 * @param options Source of the SnowplowModule's further options, each followed by a comma.
 */
export const nestProgram = (endpoint: string, adapter: string, options = '', routes = '', create = 'logger: false'): string => `
  require('reflect-metadata');
  const { Controller, Get, Inject, Module, Req } = require('@nestjs/common');
  const { NestFactory } = require('@nestjs/core');
  const { ExpressAdapter } = require('@nestjs/platform-express');
  const { FastifyAdapter } = require('@nestjs/platform-fastify');
  const { currentTracker } = require('snowplow-middleware');
  const { SnowplowModule, TrackerService } = require('snowplow-middleware/nest');
  class Shop {
    quick() {
      this.tracker.trackStructEvent({ category: 'shop', action: 'quick' });
      return 'ok';
    }
    slow() {
      return new Promise((resolve) => setTimeout(() => {
        this.tracker.trackStructEvent({ category: 'shop', action: 'slow' });
        resolve('ok');
      }, 700));
    }
    ${routes}
  }
  for (const name of Object.getOwnPropertyNames(Shop.prototype).slice(1)) {
    Get(name)(Shop.prototype, name, Object.getOwnPropertyDescriptor(Shop.prototype, name));
    if (Shop.prototype[name].length > 0) Req()(Shop.prototype, name, 0);
  }
  Inject(TrackerService)(Shop.prototype, 'tracker');
  Controller()(Shop);
  class AppModule {}
  Module({ controllers: [Shop], imports: [SnowplowModule.forRoot({ endpoint: '${endpoint}', namespace: 'web', ${options} })] })(AppModule);
  (async () => {
    const app = await NestFactory.create(AppModule, ${adapter}, { ${create} });
    if (process.env.HOOKS === 'on') app.enableShutdownHooks();
    app.getHttpServer().keepAliveTimeout = Number(process.env.KEEP_ALIVE ?? 5000);
    await app.listen(0, '127.0.0.1');
    console.log('listening on ' + app.getHttpServer().address().port);
  })();
`; // prettier-ignore
