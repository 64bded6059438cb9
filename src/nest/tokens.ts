// The injection tokens of the trackers, by name.
import { Inject } from '@nestjs/common';

/**
 * The token of a tracker, for `overrideProvider` and for the providers of a unit test.
 *
 * @param name The `name` of the SnowplowModule; left out for the unnamed one.
 * @example
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(getTrackerToken())
 *   .useValue(new TrackerService(createTracker({ endpoint: collector.url })));
 */
export const getTrackerToken = (name?: string): string =>
  name === undefined ? 'snowplow-middleware.tracker' : `snowplow-middleware.tracker:${name}`;

/**
 * Injects a tracker by name. In a request it is the request's tracker.
 *
 * @param name The `name` of the SnowplowModule; left out for the unnamed one.
 * @example
 * constructor(@InjectTracker('audit') private readonly audit: TrackerService) {}
 */
export const InjectTracker = (name?: string): PropertyDecorator & ParameterDecorator => Inject(getTrackerToken(name));
