// Settings that are known only at start-up: here the collector, which the shop starts itself unless SNOWPLOW_ENDPOINT names another.
import { Injectable, Module } from '@nestjs/common';
import { startCollector } from 'snowplow-middleware/collector';
import type { SnowplowOptions, SnowplowOptionsFactory } from 'snowplow-middleware/nest';

@Injectable()
export class Settings implements SnowplowOptionsFactory {
  endpoint = '';

  async createSnowplowOptions(): Promise<SnowplowOptions> {
    this.endpoint = process.env['SNOWPLOW_ENDPOINT'] ?? (await startCollector()).url;
    return {
      endpoint: this.endpoint,
      namespace: 'shop-server',
      appId: 'tea-shop',
      ignore: (req) => req.originalUrl.startsWith('/assets/'),
    };
  }
}

@Module({ providers: [Settings], exports: [Settings] })
export class SettingsModule {}
