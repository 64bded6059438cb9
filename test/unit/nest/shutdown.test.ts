// A Nest app that is told to stop, in a separate process that gets real signals.
import { Agent, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, startCollector } from '../../../src/collector';
import { Child } from '../../support/child';
import { nestProgram } from '../../support/nest-program';

describe('a Nest app that is told to stop', () => {
  let collector: Collector;
  let child: Child;
  let agent: Agent;
  let port: string | undefined;

  beforeEach(async () => {
    collector = await startCollector();
    agent = new Agent({ keepAlive: true });
  });
  afterEach(async () => {
    agent.destroy();
    await child.stop();
    await collector.close();
  });
  const start = async (
    adapter: string,
    env: Record<string, string>,
    create?: string,
    options?: string,
  ): Promise<void> => {
    child = Child.program(nestProgram(collector.url, adapter, options, '', create), env);
    [, port] = await child.printed(/listening on (\d+)/);
  };
  const visit = (path: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request(`http://127.0.0.1:${port}${path}`, { agent }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      })
        .on('error', reject)
        .end();
    });
  const actions = (): unknown[] => collector.good().map(({ payload }) => payload['se_ac']);

  it.each(['new ExpressAdapter()', 'new FastifyAdapter()'])(
    'answers what is in flight and loses nothing, with a keep-alive client (%s)',
    async (adapter) => {
      await start(adapter, { HOOKS: 'on', KEEP_ALIVE: '500' });
      await visit('/quick');
      const slow = visit('/slow');
      await new Promise((resolve) => setTimeout(resolve, 150));
      child.kill('SIGTERM');
      // What is there goes out at once, before the server has closed.
      await collector.waitFor({ se_ac: 'quick' });
      expect(actions()).toEqual(['quick']);
      expect(await slow).toBe(200);
      expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
      expect(actions()).toEqual(['quick', 'slow']);
    },
  );

  it('has sent everything before the end where Fastify waits for its keep-alive clients', async () => {
    await start(
      'new FastifyAdapter()',
      { HOOKS: 'on', KEEP_ALIVE: '70000' },
      undefined,
      'emitter: { flushIntervalMs: 200 },',
    );
    await visit('/quick');
    const slow = visit('/slow');
    await new Promise((resolve) => setTimeout(resolve, 150));
    child.kill('SIGTERM');
    expect(await slow).toBe(200);
    await collector.waitFor({ se_ac: 'slow' }, 1, 60_000);
    child.kill('SIGKILL');
    expect(actions()).toEqual(['quick', 'slow']);
  });

  it("says in the app's own log what is missing when shutdown hooks are off, and only then", async () => {
    const debugging = "logger: ['debug', 'log', 'warn', 'error']";
    await start('new ExpressAdapter()', {}, debugging);
    expect(child.output).toMatch(/DEBUG.*\[Snowplow\].*enableShutdownHooks/);
    await child.stop();
    await start('new ExpressAdapter()', { HOOKS: 'on' }, debugging);
    expect(child.output).not.toContain('enableShutdownHooks');
  });
});
