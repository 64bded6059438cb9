// The Nest application that is measured, on the Express adapter.
import 'reflect-metadata';
import { Controller, Get, Inject, Module, Req } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { PAGE_SCHEMA, product } from '../sample.mjs';
import { officialTracker, trackPage } from './official.mjs';
import { readFields } from './variants.mjs';

/** Starts the application; calls `listening(port)`. */
export async function serve(variant, collector, listening) {
  const imports = [];
  class Tea {
    get() {
      return 'tea';
    }
  }
  if (variant === 'idle' || variant === 'tracks') {
    const { SnowplowModule, TrackerService } = await import('../../dist/nest/index.js');
    imports.push(SnowplowModule.forRoot({ endpoint: collector, namespace: 'bench', appId: 'shop', logger: false }));
    if (variant === 'tracks') {
      Inject(TrackerService)(Tea.prototype, 'tracker');
      Tea.prototype.get = function get() {
        this.tracker.trackPageView({ pageTitle: 'Tea', context: [{ schema: PAGE_SCHEMA, data: product(7) }] });
        return 'tea';
      };
    }
  } else if (variant === 'official') {
    const tracker = officialTracker(collector);
    Tea.prototype.get = (req) => {
      const url = `${req.protocol}://${req.get('host')}${req.originalUrl}`;
      trackPage(tracker, { ip: req.ip, url, headers: req.headers });
      return 'tea';
    };
    Req()(Tea.prototype, 'get', 0);
  }
  Get('tea')(Tea.prototype, 'get', Object.getOwnPropertyDescriptor(Tea.prototype, 'get'));
  Controller()(Tea);
  class App {}
  Module({ imports, controllers: [Tea] })(App);

  const app = await NestFactory.create(App, { logger: false });
  if (variant === 'no-op')
    app.use((req, _res, next) => {
      readFields(req);
      next();
    });
  await app.listen(0, '127.0.0.1');
  listening(app.getHttpServer().address().port);
}
