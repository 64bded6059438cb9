// An app of ES modules: prints `ok` when everything holds on the adapter named on the command line.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { startCollector } from 'snowplow-middleware/collector';
import { TrackerService } from 'snowplow-middleware/nest';
import { ADAPTERS, nest } from './nest.mjs';
import { checkOthers } from './others.cjs';
import { checkApp } from './shop.cjs';

// One class, however it is loaded: what one half of an app provides, the other half can inject.
assert.equal(createRequire(import.meta.url)('snowplow-middleware/nest').TrackerService, TrackerService);
await checkApp(nest, startCollector, ADAPTERS[process.argv[2]]);
await checkOthers(nest, startCollector, ADAPTERS[process.argv[2]]);
console.log('ok');
