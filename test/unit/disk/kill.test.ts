// Processes that are killed while they track on one path: what they had accepted is delivered by those that are left.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { AsyncEmitter } from 'snowplow-middleware';
import { DiskEventStore } from '../../../src/disk/disk-event-store';
import { figuresOf, killOne, KILLS, KILLS_TIMEOUT_MS } from '../../support/kills';
import { startRecordingCollector } from '../../support/recording-collector';
import { until } from '../../support/until';

test.concurrent.for([1, 2])(
  'nothing that was accepted is lost when processes are killed, %i at a time on one path',
  { timeout: KILLS_TIMEOUT_MS },
  async (processes, { task }) => {
    const folder = mkdtempSync(join(tmpdir(), 'disk-kill-'));
    const path = join(folder, 'events');
    const collector = await startRecordingCollector();
    const emitter = { threadCount: 1, flushIntervalMs: 20, maxRetryDelayMs: 500 };
    const options = { endpoint: collector.url, namespace: 'kill', disk: path, emitter };
    // A slow and sometimes failing collector, so that events wait and are out when the moment comes.
    collector.answer = async () => {
      await sleep(Math.random() * 30);
      return Math.random() < 0.3 ? 503 : 200;
    };
    const logs: string[] = [];
    for (let kills = 0; kills < KILLS; kills += processes) {
      const round = Array.from({ length: processes }, (_each, index) => join(folder, `accepted-${kills + index}`));
      logs.push(...round);
      await Promise.all(round.map((log) => killOne(options, log)));
    }

    collector.answer = 200;
    const eventStore = new DiskEventStore({ path });
    const heir = new AsyncEmitter({ endpoint: collector.url, eventStore, flushIntervalMs: 20, logger: false });
    const accepted = new Set(
      logs.filter((log) => existsSync(log)).flatMap((log) => readFileSync(log, 'utf8').split('\n').filter(Boolean)),
    );
    expect(accepted.size).toBeGreaterThan(KILLS * 10);
    await until('all have arrived', () => [...accepted].every((id) => collector.taken.has(id)), 60_000);
    const figures = (task.meta.figures = figuresOf(accepted, collector.taken, collector.largest));
    expect(figures.lost, JSON.stringify(heir.stats())).toBe(0);
    expect(figures.repeated).toBeLessThanOrEqual(figures.repeatedAtMost);
    await until('it has all folders', () => readdirSync(path).length === 2);
    await heir.close();
    // The last owner on the path leaves nothing but the sign that says whose the folder is; a child may be gone a moment later.
    await until('the path is empty', () => readdirSync(path).length === 1, 60_000);
    expect(readdirSync(path)).toEqual(['snowplow-events-1']);
    await collector.close();
    rmSync(folder, { recursive: true, force: true });
  },
);
