// Nest as an app of ES modules imports it.
import * as common from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { createTracker } from 'snowplow-middleware';
import * as snowplow from 'snowplow-middleware/nest';

export const nest = { ...common, NestFactory, Reflector, snowplow };
export const ADAPTERS = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() };
export { createTracker };
