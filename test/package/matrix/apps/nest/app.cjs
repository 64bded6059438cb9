// A CommonJS app: prints `ok` when everything holds on the adapter named on the command line.
require('reflect-metadata');
const { ADAPTERS, nest } = require('./nest.cjs');
const { startCollector } = require('snowplow-middleware/collector');
const { checkOthers } = require('./others.cjs');
const { checkApp } = require('./shop.cjs');

const makeAdapter = ADAPTERS[process.argv[2]];
void checkApp(nest, startCollector, makeAdapter)
  .then(() => checkOthers(nest, startCollector, makeAdapter))
  .then(() => console.log('ok'));
