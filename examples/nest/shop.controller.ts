// The shop's routes. Each route declares what it tracks.
import { Controller, Get, Header, Param, Post, Redirect, StreamableFile } from '@nestjs/common';
import { createReadStream } from 'node:fs';
import { TrackPageView, TrackStructEvent } from 'snowplow-middleware/nest';
import { Baskets } from './baskets.service';
import { Settings } from './settings';

// Relative to the compiled file.
const EXPRESS_PAGE: string = '../../express/page.mjs';

@Controller()
export class ShopController {
  constructor(
    private readonly baskets: Baskets,
    private readonly settings: Settings,
  ) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @TrackPageView({ pageTitle: 'The tea shop' })
  async home(): Promise<string> {
    // The same page as in the Express shop.
    const { shopPage } = (await import(EXPRESS_PAGE)) as {
      shopPage(basket: ReadonlyMap<string, number>, collector: string): string;
    };
    return shopPage(this.baskets.pieces, this.settings.endpoint);
  }

  @Post('basket/:sku')
  @Redirect('/', 303)
  @TrackStructEvent({ category: 'shop', action: 'no-such-tea', label: ({ args }) => String(args[0]), on: 'error' })
  add(@Param('sku') sku: string): void {
    this.baskets.add(sku);
  }

  // The browser tracker from npm.
  @Get('assets/sp.js')
  @Header('content-type', 'text/javascript')
  script(): StreamableFile {
    return new StreamableFile(createReadStream(require.resolve('@snowplow/browser-tracker/dist/index.umd.min.js')));
  }
}
