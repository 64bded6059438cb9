// A CommonJS app on the framework named on the command line: prints `ok` when everything holds.
const { currentTracker } = require('snowplow-middleware');
const { startCollector } = require('snowplow-middleware/collector');
const { checkShop } = require('./shop.cjs');

const [, , name] = process.argv;
const { snowplow } = require(`snowplow-middleware/${name}`);
void checkShop(name, require(name), snowplow, currentTracker, startCollector).then(() => console.log('ok'));
