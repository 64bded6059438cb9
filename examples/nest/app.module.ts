// The shop's modules, and the tracker that all of them can inject.
import { Module } from '@nestjs/common';
import { SnowplowModule } from 'snowplow-middleware/nest';
import { Baskets } from './baskets.service';
import { Settings, SettingsModule } from './settings';
import { ShopController } from './shop.controller';
import { Stock } from './stock.service';

@Module({
  imports: [SettingsModule, SnowplowModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings })],
  controllers: [ShopController],
  providers: [Baskets, Stock],
})
export class AppModule {}
