// A CommonJS app: prints `ok` when everything holds on the adapter named on the command line.
require('reflect-metadata');
const { ADAPTERS, nest } = require('./nest.cjs');
const { startCollector } = require('snowplow-middleware/collector');
const { checkApp } = require('./shop.cjs');

void checkApp(nest, startCollector, ADAPTERS[process.argv[2]]).then(() => console.log('ok'));
