// The disk below a durable store is full, or what is on it is not what was written.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Scenario, scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';

type Damage = readonly [what: string, spoil: (data: string, random: () => number) => void];

const DAMAGES: readonly Damage[] = [
  ['truncated to 60 %', (data) => truncateSync(data, Math.floor(readFileSync(data).length * 0.6))],
  ['truncated to 1 %', (data) => truncateSync(data, Math.floor(readFileSync(data).length * 0.01))],
  ['emptied', (data) => truncateSync(data, 0)],
  ['full of garbage', (data, random) => writeFileSync(data, Buffer.from(readFileSync(data).map(() => random() * 256)))],
  [
    'with flipped bytes',
    (data, random) => {
      const bytes = readFileSync(data);
      for (let flip = 0; flip < 200; flip++) bytes[Math.floor(random() * bytes.length)]! ^= 0xff;
      writeFileSync(data, bytes);
    },
  ],
];

export const disks: Scenario[] = [
  ...DAMAGES.map(([what, spoil]) =>
    scenario(
      21,
      `a log that is ${what} is read in part, and the process that finds it works on`,
      { small: { events: 300 }, full: { events: 10_000 } },
      async (stage, { events }) => {
        const path = join(stage.folder, 'events');
        const collector = await stage.collector(() => ({ reply: 'hang' }));
        const tracker = { endpoint: collector.url, durable: path };
        const first = await stage.app({ tracker });
        await first.run(({ stream }, count) => stream(count, 20_000), events);
        first.signal('SIGKILL');
        await first.end();
        const before = stage.journal().accepted;
        const logs = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log'));
        for (const log of logs) spoil(join(path, log), () => stage.random());

        collector.script = () => ({});
        const second = await stage.app({ tracker });
        await second.run(({ track }) => track(20));
        const later = [...stage.journal().accepted].filter((id) => !before.has(id));
        must('the new ones are accepted', later.length === 20, second.output);
        await until('the new ones have arrived', () => later.every((id) => collector.received.has(id)));
        await second.run(({ tracker: open }) => open.close());
        must('there was a log to spoil', logs.length > 0, logs);
        must('nothing went wrong', stage.journal().wrong.length === 0, stage.journal().wrong);
        return { logs: logs.length, recovered: collector.count - 20, of: before.size };
      },
    ),
  ),

  scenario(
    20,
    'a disk that is full refuses new events with a report, keeps the process alive, and is used again when it has room',
    { small: { megabytes: 4 }, full: { megabytes: 64 } },
    async (stage, { megabytes }) => {
      const disk = join(stage.folder, 'disk');
      mkdirSync(disk);
      const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk]);
      if (status !== 0) return { skipped: 'this user may not mount a disk' };
      try {
        const collector = await stage.collector(() => ({ status: 503 }));
        const emitter = { maxRetryDelayMs: 200, batchSize: 10_000 };
        const app = await stage.app({
          tracker: { endpoint: collector.url, durable: join(disk, 'events'), emitter, logger: false },
        });
        const fill = (rounds: number) =>
          app.run(({ track, tracker }, count) => {
            const total = { accepted: 0, refused: 0 };
            for (let round = 0; round < count && total.refused === 0; round++) {
              const { accepted, refused } = track(100);
              total.accepted += accepted;
              total.refused += refused;
            }
            return { ...total, reasons: tracker.stats().emitters[0]?.refused };
          }, rounds);
        const filled = await fill(megabytes * 100);
        must('some are accepted, some refused', filled.accepted > 0 && filled.refused > 0, filled);
        must('for the store', filled.reasons?.['store-error'] === filled.refused, filled);
        collector.script = () => ({});
        await app.run(({ tracker }) => tracker.flush());
        await until('what was accepted has arrived', () => collector.count === filled.accepted);
        const again = await fill(10);
        must('with room again all are accepted', again.refused === 0, again);
        await app.run(({ tracker }) => tracker.close());
        const figures = stage.verdict();
        must('nothing is dropped', figures.dropped === 0, figures);
        return { ...figures, refused: filled.refused };
      } finally {
        spawnSync('umount', ['-l', disk]);
      }
    },
  ),
];
