// Loads one module, by require() as most servers still do, and says what that cost.
import { createRequire } from 'node:module';

const { module } = JSON.parse(process.argv[2]);
const require = createRequire(import.meta.url);
const before = process.cpuUsage();
const start = performance.now();
require(module);
const wallMs = performance.now() - start;
const { user, system } = process.cpuUsage(before);
process.send({ cpuMs: (user + system) / 1000, wallMs });
