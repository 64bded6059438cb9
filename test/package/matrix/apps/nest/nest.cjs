// Nest as a CommonJS app requires it.
const common = require('@nestjs/common');
const { NestFactory, Reflector } = require('@nestjs/core');
const { ExpressAdapter } = require('@nestjs/platform-express');
const { FastifyAdapter } = require('@nestjs/platform-fastify');

exports.nest = { ...common, NestFactory, Reflector, snowplow: require('snowplow-middleware/nest') };
exports.ADAPTERS = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() };
