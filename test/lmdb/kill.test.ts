// Processes that are killed at random moments: what they accepted is delivered by whoever comes after them.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTracker } from 'snowplow-middleware';
import { figuresOf, killOne, KILLS, KILLS_TIMEOUT_MS } from '../support/kills';
import { startRecordingCollector } from '../support/recording-collector';

test.concurrent.for([1, 2])(
  `nothing that was accepted is lost when processes are killed, %i at a time on one path`,
  { timeout: KILLS_TIMEOUT_MS },
  async (processes, { task }) => {
    const folder = mkdtempSync(join(tmpdir(), 'lmdb-kill-'));
    const collector = await startRecordingCollector();
    const options = {
      endpoint: collector.url,
      namespace: 'kill',
      durable: join(folder, 'events'),
      emitter: { threadCount: 1, flushIntervalMs: 20, maxRetryDelayMs: 500 },
    };
    const logs: string[] = [];
    // A slow and sometimes failing collector, so that events wait and are out when the moment comes.
    collector.answer = async () => {
      await sleep(Math.random() * 30);
      return Math.random() < 0.3 ? 503 : 200;
    };
    for (let kills = 0; kills < KILLS; kills += processes) {
      const round = Array.from({ length: processes }, (_each, index) => join(folder, `accepted-${kills + index}`));
      logs.push(...round);
      await Promise.all(round.map((log) => killOne(options, log)));
    }

    collector.answer = 200;
    const heir = createTracker({ ...options, logger: false });
    const accepted = new Set(
      logs.filter((log) => existsSync(log)).flatMap((log) => readFileSync(log, 'utf8').split('\n').filter(Boolean)),
    );
    expect(accepted.size).toBeGreaterThan(KILLS * 10);
    const deadline = Date.now() + 60_000;
    const missing = (): string[] => [...accepted].filter((id) => !collector.taken.has(id));
    while (missing().length > 0 && Date.now() < deadline) await sleep(50);
    const figures = (task.meta.figures = figuresOf(accepted, collector.taken, collector.largest));
    expect(missing(), JSON.stringify(heir.stats())).toEqual([]);
    // No kill, however timed, damages the file.
    expect(readdirSync(options.durable).toSorted()).toEqual(['data.mdb', 'lock.mdb']);
    expect(figures.repeated).toBeLessThanOrEqual(figures.repeatedAtMost);
    await heir.close();
    await collector.close();
    rmSync(folder, { recursive: true, force: true });
  },
);
