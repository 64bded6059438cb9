// Adapter contract: every request has its own tracker, wherever its work continues.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { currentTracker } from '../../src/core/tracker/scope';
import { createTracker } from '../../src/create-tracker';
import type { World } from './adapter-world';

export function testScope(world: World): void {
  it('returns the same tracker from currentTracker() in everything that the handler starts, and none outside', async () => {
    const seen: unknown[] = [];
    await world.start(async (call) => {
      const note = (): number => seen.push(currentTracker() === call.tracker);
      note();
      await sleep(1);
      note();
      await new Promise<void>((resolve) => setImmediate(() => resolve(void note())));
      process.nextTick(note);
      await Promise.all([1, 2].map(async () => note()));
      return call.send(200, 'ok');
    });
    await world.get('/r/a');
    expect(seen).toEqual([true, true, true, true, true, true]);
    expect(currentTracker()).toBeUndefined();
  });

  it('gives each of 1,000 concurrent requests its own tracker, after awaits, timers and streams', async () => {
    let wrong = 0;
    let timers = 0;
    await world.start(async (call) => {
      const label = call.query.get('n') as string;
      const track = (category: string): void => {
        const current = currentTracker();
        if (current !== undefined && current !== call.tracker) wrong++;
        call.tracker.trackStructEvent({ category, action: 'a', label });
      };
      await sleep(Number(label) % 5);
      track('await');
      setTimeout(() => {
        track('timer');
        timers++;
      }, 1);
      call.raw.req.on('close', () => track('request'));
      call.raw.res.on('finish', () => track('finish'));
      return call.send(200, label);
    });
    const duid = (n: string): string => `00000000-0000-4000-8000-${n.padStart(12, '0')}`;
    const visit = async (n: string): Promise<void> => {
      const cookie = `_sp_id.1fff=${duid(n)}.1700000000.3.1700000100..${duid(n)}`;
      const { body } = await world.get(`/r/work?n=${n}`, { 'user-agent': `agent-${n}`, cookie });
      expect(body).toBe(n);
    };
    const kinds = new Map<string, number>();
    // The collector keeps the newest thousand events, so every round is looked at by itself.
    for (let round = 0; round < 5; round++) {
      world.collector.reset();
      await Promise.all(Array.from({ length: 200 }, (_, index) => visit(String(round * 200 + index))));
      while (timers < (round + 1) * 200) await sleep(2);
      for (const event of await world.events()) {
        kinds.set(event['se_ca'] as string, (kinds.get(event['se_ca'] as string) ?? 0) + 1);
        const n = event['se_la'] as string;
        expect(event).toMatchObject({ ua: `agent-${n}`, duid: duid(n), url: `${world.url}/r/work?n=${n}` });
      }
    }
    expect(Object.fromEntries(kinds)).toEqual({ await: 1000, timer: 1000, request: 1000, finish: 1000 });
    expect(wrong).toBe(0);
  });

  it('keeps the visitors of one keep-alive connection apart', async () => {
    await world.start((call) => {
      call.tracker.trackStructEvent({ category: 'shop', action: 'a', label: call.query.get('n') ?? '' });
      return call.send(200, 'ok');
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    for (const n of ['1', '2', '3'])
      await new Promise<void>((resolve, reject) => {
        request(`${world.url}/r/a?n=${n}`, { agent, headers: { 'user-agent': `agent-${n}` } }, (response) => {
          sockets.add(response.socket);
          response.resume().on('end', resolve);
        })
          .on('error', reject)
          .end();
      });
    agent.destroy();
    expect(sockets.size).toBe(1);
    expect((await world.events()).map(({ ua, se_la }) => [ua, se_la])).toEqual([
      ['agent-1', '1'],
      ['agent-2', '2'],
      ['agent-3', '3'],
    ]);
  });

  it('keeps the scope of a request whose body comes in pieces', async () => {
    await world.start((call) => {
      currentTracker()?.trackStructEvent({ category: 'shop', action: 'post' });
      return call.send(200, currentTracker() === call.tracker ? 'same' : 'lost');
    });
    const answer = await new Promise<string>((resolve, reject) => {
      const pieces = '{"tea":"assam"}'.match(/.{1,5}/g) as string[];
      const client = request(`${world.url}/r/a`, { method: 'POST', headers: { 'content-type': 'application/json' } });
      client.on('error', reject).on('response', (response) => {
        response.setEncoding('utf8').once('data', resolve);
      });
      void (async () => {
        for (const piece of pieces) {
          client.write(piece);
          await sleep(5);
        }
        client.end();
      })();
    });
    expect(answer).toBe('same');
  });

  it('keeps the trackers of two mounts apart, by name', async () => {
    const audit = createTracker({ endpoint: world.collector.url, namespace: 'audit', emitter: { batchSize: 1 } });
    await world.start(
      (call) => {
        call.tracker.trackStructEvent({ category: 'shop', action: 'first' });
        currentTracker('audit')?.trackStructEvent({ category: 'shop', action: 'second' });
        return call.send(200, String(currentTracker('web') === call.tracker));
      },
      {},
      { others: [{ tracker: audit, maskIp: true }] },
    );
    expect((await world.get('/r/a')).body).toBe('true');
    await audit.flush();
    const events = (await world.events()).map(({ tna, se_ac, ip }) => [tna, se_ac, ip]);
    expect(new Set(events)).toEqual(
      new Set([
        ['audit', 'second', '127.0.0.0'],
        ['web', 'first', '127.0.0.1'],
      ]),
    );
    await audit.close();
  });

  it('refuses two mounts of one name', async () => {
    const twin = createTracker({ endpoint: world.collector.url, namespace: 'web', logger: false });
    try {
      await world.start((call) => call.send(200, 'ok'), {}, { others: [{ tracker: twin }] });
      expect(await world.get('/r/a')).toMatchObject({ status: 418, body: expect.stringContaining('namespace') });
    } catch (error) {
      // Where the framework lets an app be refused before it starts.
      expect(error).toMatchObject({ code: 'ERR_SNOWPLOW_CONFIG' });
    }
    await twin.close();
  });
}
