// The tracker's health in Terminus, as in the documents: what a load balancer sees while the collector fails.
import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCollector } from '../../../src/collector';
import { createTracker } from '../../../src/create-tracker';
import { ADAPTERS, startNest } from './app';

describe.each(ADAPTERS)('health on %s', (_name, makeAdapter) => {
  it('is 200 with up, 503 with down and the last error, and 200 again', async () => {
    const collector = await startCollector();
    const tracker = createTracker({ endpoint: collector.url, emitter: { flushIntervalMs: 0 }, logger: false });
    @Controller('health')
    class HealthController {
      @Inject(HealthCheckService) private readonly health!: HealthCheckService;

      @Get()
      @HealthCheck()
      check() {
        return this.health.check([() => ({ snowplow: { ...tracker.health() } })]);
      }
    }
    const imports = [TerminusModule.forRoot({ logger: false })];
    const { app, url } = await startNest(makeAdapter, { imports, controllers: [HealthController] }, { tracker });
    onTestFinished(async () => {
      await app.close();
      await tracker.close();
      await collector.close();
    });
    const health = async (): Promise<unknown[]> => {
      const response = await fetch(`${url}/health`);
      const { status, details } = (await response.json()) as { status: string; details: Record<string, unknown> };
      return [response.status, status, details['snowplow']];
    };

    expect(await health()).toEqual([200, 'ok', { status: 'up', waiting: 0, inFlight: 0 }]);
    collector.fail({ status: 503, times: 1 });
    await tracker.trackStructEvent({ category: 'shop', action: 'pay' }).flush();
    expect(await health()).toMatchObject([
      503,
      'error',
      { status: 'down', waiting: 1, lastError: 'the collector answered 503' },
    ]);
    await tracker.flush();
    expect(await health()).toMatchObject([200, 'ok', { status: 'up', waiting: 0 }]);
  });
});
