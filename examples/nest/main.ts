// A small shop on Nest: decorators track the pages, and a service deep in the call chain tracks purchases.
// Run it with `npm run demo:nest`. Set PORT for another port, and SNOWPLOW_ENDPOINT for another collector than the embedded one.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { join } from 'node:path';
import { AppModule } from './app.module';
import { Settings } from './settings';

async function main(): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger: ['warn', 'error'] });
  // On SIGTERM, lets requests end and the tracker send its events.
  app.enableShutdownHooks();
  app.useStaticAssets(join(__dirname, '../../express/public'), { prefix: '/assets' });
  await app.listen(process.env['PORT'] ?? 0, '127.0.0.1');
  const { endpoint } = app.get(Settings);
  console.log(`The shop:      ${await app.getUrl()}/   (open it, add something to the basket)`);
  console.log(`The collector: ${endpoint}/   (watch the events of browser and server arrive)`);
  console.log('Ctrl-C stops both, with everything sent.');
}

void main();
