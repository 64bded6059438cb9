// The middleware for apps that apply it themselves.
import { Inject, Injectable, type NestMiddleware } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { NextFunction, Request, Response } from 'express';
import { mountedIn } from './mount';

/**
 * The middleware of every SnowplowModule with `mount: false`, for `configure(consumer)`.
 *
 * @example
 * configure(consumer: MiddlewareConsumer) { consumer.apply(SnowplowMiddleware).forRoutes('shop'); }
 */
@Injectable()
export class SnowplowMiddleware implements NestMiddleware {
  readonly #container: object;

  constructor(@Inject(ModulesContainer) container: object) {
    this.#container = container;
  }

  /** Called by Nest for each request. */
  use(req: object, res: object, next: () => void): void {
    const run = mountedIn(this.#container).byHand.reduceRight<NextFunction>(
      (then, handler) => () => void handler(req as Request, res as Response, then),
      next,
    );
    run();
  }
}
