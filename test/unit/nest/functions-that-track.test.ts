// A decorator's function that tracks an event itself: the event is delivered, and no subscriber is called for it.
import { Controller, Get } from '@nestjs/common';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, it, onTestFinished } from 'vitest';
import type { TrackMessage } from '../../../src';
import { startCollector } from '../../../src/collector';
import { currentTracker } from '../../../src/core/tracker/scope';
import { TrackerService, TrackStructEvent } from '../../../src/nest';
import { ADAPTERS, sendingTo, settling, startNest } from './app';

@Controller()
class Shop {
  @Get('basket')
  @TrackStructEvent({
    category: 'shop',
    action: () => {
      currentTracker()?.trackStructEvent({ category: 'meta', action: 'asked' });
      return 'add';
    },
  })
  basket(): string {
    return 'ok';
  }
}

it.each(ADAPTERS)('on %s', async (_name, makeAdapter) => {
  const heard: (string | undefined)[] = [];
  const onTrack = (message: unknown): void => void heard.push((message as TrackMessage).payload()['se_ca']);
  subscribe('snowplow:track', onTrack);
  onTestFinished(() => void unsubscribe('snowplow:track', onTrack));
  const collector = await startCollector();
  const { app, url } = await startNest(makeAdapter, { controllers: [Shop] }, sendingTo(collector));
  const settle = settling(app, app.get(TrackerService));
  await (await fetch(`${url}/basket`)).text();
  await settle();
  await app.close();
  expect(collector.good().map(({ payload }) => payload['se_ca']).toSorted()).toEqual(['meta', 'shop']); // prettier-ignore
  expect(heard).toEqual(['shop']);
  await collector.close();
});
