// The packed types, as a user's compiler reads them: strictly, with every module resolution, and with one peer installed.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryPoints, makeApp, pack, type Packed } from './packed';

let packed: Packed;
let folder: string;
beforeAll(() => {
  ({ folder, packed } = pack());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ENDPOINT = "{ endpoint: 'https://collector.acme.com' }";

/** A few lines of an app for each entry point, and the packages that such an app has. */
const USES: Readonly<Record<string, { peers: readonly string[]; code: string }>> = {
  '.': {
    peers: [],
    code: `import { createTracker, Subject, type Tracker } from 'snowplow-middleware';
      export const tracker: Tracker = createTracker(${ENDPOINT});
      tracker.withSubject(new Subject().setUserId('u')).trackPageView({ pageUrl: 'https://h/' });`,
  },
  './express': {
    peers: ['@types/express'],
    code: `import type { Express } from 'express';
      import { snowplow } from 'snowplow-middleware/express';
      export function mount(app: Express): void {
        app.use(snowplow({ ...${ENDPOINT}, subject: (req, subject) => void subject.setUserId(req.get('x')) }));
        app.get('/', (req) => void req.tracker.trackPageView().trackScreenView({ name: 'n' }));
      }`,
  },
  './koa': {
    peers: ['@types/koa'],
    code: `import type Koa from 'koa';
      import { snowplow } from 'snowplow-middleware/koa';
      export function mount(app: Koa): void {
        app.use(snowplow({ ...${ENDPOINT}, skip: (ctx) => ctx.path === '/' }));
        app.use(async (ctx) => void ctx.tracker.trackPageView());
      }`,
  },
  './fastify': {
    peers: ['fastify'],
    code: `import type { FastifyInstance } from 'fastify';
      import { snowplow } from 'snowplow-middleware/fastify';
      export async function mount(app: FastifyInstance): Promise<void> {
        await app.register(snowplow, { ...${ENDPOINT}, skip: (request) => request.url === '/' });
        app.get('/', async (request) => void request.tracker.trackPageView());
      }`,
  },
  './nest': {
    peers: ['@nestjs/common', '@nestjs/core', 'rxjs', 'reflect-metadata'],
    code: `import { Controller, Get, Module } from '@nestjs/common';
      import { SnowplowModule, TrackerService, TrackPageView } from 'snowplow-middleware/nest';
      @Controller()
      class Home {
        constructor(private readonly tracker: TrackerService) {}
        @Get() @TrackPageView({ pageTitle: 'Home' }) home(): string { return String(this.tracker.stats().offered); }
      }
      @Module({ imports: [SnowplowModule.forRoot(${ENDPOINT})], controllers: [Home] })
      export class App {}`,
  },
  './ecommerce': {
    peers: [],
    code: `import { createTracker } from 'snowplow-middleware';
      import * as ecommerce from 'snowplow-middleware/ecommerce';
      const product: ecommerce.Product = { id: 'TEA-1', category: 'Tea', price: 4.5, currency: 'EUR', quantity: 2 };
      export const id = createTracker(${ENDPOINT}).track(ecommerce.productView(product));`,
  },
  './redis': {
    peers: [],
    code: `import { RedisEmitter, RedisWorker } from 'snowplow-middleware/redis';
      export const emitter = new RedisEmitter({ redis: 'redis://127.0.0.1', onDrop: ({ events }) => void events[0]?.['e'] });
      export const worker = new RedisWorker({ ...${ENDPOINT} });`,
  },
  './bullmq': {
    peers: [],
    code: `import { BullMqEmitter, createProcessor } from 'snowplow-middleware/bullmq';
      export const emitter = new BullMqEmitter({ queue: { add: async () => {} } });
      export const processor = createProcessor(${ENDPOINT});`,
  },
  './disk': {
    peers: [],
    code: `import { createTracker } from 'snowplow-middleware';
      import { DiskEventStore } from 'snowplow-middleware/disk';
      export const tracker = createTracker({ ...${ENDPOINT}, emitter: { eventStore: new DiskEventStore({ path: './e' }) } });`,
  },
  './collector': {
    peers: [],
    code: `import { type Collector, startCollector, trackingMatchers } from 'snowplow-middleware/collector';
      export const collector: Promise<Collector> = startCollector();
      export const matchers = Object.keys(trackingMatchers);`,
  },
};
const everyPeer = [...new Set(Object.values(USES).flatMap(({ peers }) => peers))];

const NODENEXT = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };

/** How an app may have its modules resolved, and the suffixes that its files have then: CommonJS, and ES modules. */
const RESOLUTIONS: readonly (readonly [name: string, suffixes: readonly string[], options: ts.CompilerOptions])[] = [
  [
    'node',
    ['ts'],
    { module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10, ignoreDeprecations: '6.0' },
  ],
  ['node16', ['cts', 'mts'], { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 }],
  ['nodenext', ['cts', 'mts'], NODENEXT],
  ['bundler', ['ts'], { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }],
];

/** What the compiler finds in the programs and in the package's types; other packages' own types are their business. */
function findingsOf(app: string, programs: ReadonlyMap<string, string>, options: ts.CompilerOptions): string[] {
  const files = new Map([...programs].map(([name, code]) => [join(app, name), code]));
  const all: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts'],
    types: ['node'],
    typeRoots: [join(app, 'node_modules/@types')],
    strict: true,
    exactOptionalPropertyTypes: true,
    noPropertyAccessFromIndexSignature: true,
    esModuleInterop: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    skipLibCheck: false,
    noEmit: true,
    ...options,
  };
  const host = ts.createCompilerHost(all);
  const { fileExists, readFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  const program = ts.createProgram([...files.keys()], all, host);
  const ours = program
    .getSourceFiles()
    .filter(({ fileName }) => files.has(fileName) || fileName.includes('/node_modules/snowplow-middleware/'));
  expect(ours.length).toBeGreaterThan(files.size);
  const found = [
    ...program.getOptionsDiagnostics(),
    ...ours.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ];
  return found.map(({ file, messageText }) => {
    const where = file?.fileName.slice(app.length + 1) ?? 'options';
    return `${where}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

it('every entry point is used here', () =>
  expect(Object.keys(USES).sort()).toEqual(entryPoints.map(({ entryPoint }) => entryPoint).sort()));

it.each(Object.entries(USES))(
  'the entry point %s needs the types of its own peer and of Node alone',
  (entryPoint, { peers, code }) => {
    const app = makeApp(folder, packed, `entry${entryPoint.replace(/\W/g, '-')}`, ['@types/node', ...peers]);
    expect(findingsOf(app, new Map([['use.cts', code]]), NODENEXT)).toEqual([]);
  },
);

describe('every entry point, with every peer, resolves', () => {
  let app: string;
  beforeAll(() => {
    app = makeApp(folder, packed, 'all', ['@types/node', ...everyPeer]);
  });

  it.each(RESOLUTIONS)('by moduleResolution %s', (_name, suffixes, options) => {
    const programs = Object.values(USES).flatMap(({ code }, index) =>
      suffixes.map((suffix) => [`use-${index}.${suffix}`, code] as const),
    );
    expect(findingsOf(app, new Map(programs), options)).toEqual([]);
  });
});
