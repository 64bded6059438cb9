// An app of ES modules on the framework named on the command line: prints `ok` when everything holds.
import { currentTracker } from 'snowplow-middleware';
import { startCollector } from 'snowplow-middleware/collector';
import { checkShop } from './shop.cjs';

const [, , name] = process.argv;
const { snowplow } = await import(`snowplow-middleware/${name}`);
const { default: framework } = await import(name);
await checkShop(name, framework, snowplow, currentTracker, startCollector);
console.log('ok');
