// The power goes out: what is left is what the disk had been given, and not what the kernel still meant to write.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppSettings } from '../harness/app';
import type { Inside } from '../harness/inside';
import { type Scenario, scenario } from '../harness/scenario';
import { until } from '../harness/wait';
import { must } from './expect';

const TAKEOVER_MS = 25_000;

interface Disk {
  /** Where it is mounted. */
  readonly path: string;
  /** What would be on it if the power went out now, mounted in its turn. */
  cut(): string;
  remove(): void;
}

/**
 * A disk in a file, with a file system of its own: what was not synced is in the kernel's memory and not in the file.
 * Nothing is written by itself meanwhile, so that a copy of the file is the disk at one moment.
 *
 * @returns undefined where this user may not mount one.
 */
function makeDisk(folder: string): Disk | undefined {
  const mounts: string[] = [];
  const mount = (image: string): boolean => {
    const path = `${image}-mounted`;
    mkdirSync(path);
    const { status } = spawnSync('mount', ['-o', 'loop,commit=300', image, path]);
    if (status === 0) mounts.push(path);
    return status === 0;
  };
  const image = join(folder, 'disk');
  const made = spawnSync('mkfs.ext4', ['-q', image, '64M']).status === 0 && mount(image);
  if (!made) return undefined;
  return {
    path: `${image}-mounted`,
    cut() {
      const after = join(folder, 'disk-after');
      copyFileSync(image, after);
      mount(after);
      return `${after}-mounted`;
    },
    remove: () => {
      for (const path of mounts) execFileSync('umount', ['-l', path]);
    },
  };
}

type Sync = 'group' | 'none';
type Args = { path: string; sync: Sync; endpoint: string };

const app = (args: Args): AppSettings => ({
  args,
  setup: (inside, { path, sync, endpoint }: Args) => {
    const { DiskEventStore } = inside.require('snowplow-middleware/disk') as typeof import('../../../../src/disk');
    const { AsyncEmitter, Tracker } = inside.snowplow;
    const eventStore = new DiskEventStore({ path, sync });
    const emitter = new AsyncEmitter({
      endpoint,
      eventStore,
      threadCount: 1,
      maxRetryDelayMs: 50,
      onDrop: inside.onDrop,
    });
    Object.assign(inside, { tracker: new Tracker({ emitters: emitter }, [emitter]) });
  },
});

/** Tracks without a pause. Where it waits for the disk, an event counts as accepted when it is written through. */
const busy = (inside: Inside, waits: boolean): void => {
  const { tracker, snowplow, note } = inside;
  void (async () => {
    for (;;) {
      const ids = Array.from({ length: 20 }, () =>
        tracker.track(snowplow.structEvent({ category: 'faults', action: 'power', label: 'x'.repeat(200) })),
      );
      if (waits) await tracker.stored();
      note(waits ? 'accepted' : 'tracked', ids);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
};

/** Tracks until the log has gone on in a new file and that is written through; answers how many files there are. */
const roll = async (inside: Inside, path: string): Promise<number> => {
  const { tracker, snowplow, note } = inside;
  const { readdirSync } = inside.require('node:fs') as typeof import('node:fs');
  const files = (): number =>
    readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log')).length;
  const label = 'x'.repeat(900);
  for (;;) {
    const before = files();
    const ids = Array.from({ length: 500 }, () =>
      tracker.track(snowplow.structEvent({ category: 'faults', action: 'power', label })),
    );
    await tracker.stored();
    note('accepted', ids);
    if (before > 0 && files() > before) return files();
  }
};

const WAYS = [
  ['group', 'a power cut loses nothing that stored() had covered'],
  ['new file', 'a power cut right after the log went on in a new file loses nothing that stored() had covered'],
  ['none', 'a power cut may lose what was not written through, and the next process works on'],
] as const;

export const power: Scenario[] = WAYS.map(([way, title]) =>
  scenario(19, title, { small: { runMs: 1_500 }, full: { runMs: 10_000 } }, async (stage, { runMs }) => {
    const disk = makeDisk(stage.folder);
    if (!disk) return { skipped: 'this user may not mount a disk' };
    try {
      // Some are delivered and removed meanwhile, so that what is safe on the disk is written over.
      const refused = way === 'new file' ? 1 : 0.7;
      const collector = await stage.collector(() => ({ status: stage.random() < refused ? 503 : 200 }));
      const events = join(disk.path, 'events');
      const sync = way === 'none' ? 'none' : 'group';
      const first = await stage.app(app({ path: events, sync, endpoint: collector.url }));
      if (way === 'new file') await first.run(roll, events);
      else {
        await first.run(busy, way === 'group');
        await sleep(runMs * (0.5 + stage.random() / 2));
      }
      first.signal('SIGSTOP');
      const { accepted, notes } = stage.journal();
      const path = join(disk.cut(), 'events');
      first.signal('SIGKILL');
      await first.end();

      collector.script = () => ({});
      const second = await stage.app(app({ path, sync, endpoint: collector.url }));
      const later = await second.run(({ track }) => track(20));
      must('the next process accepts events', later.accepted === 20, { later, output: second.output });
      const covered = [...accepted];
      await until('what was covered has arrived', () => covered.every((id) => collector.received.has(id)), TAKEOVER_MS);
      await second.run(({ tracker }) => tracker.close());
      const figures = { ...stage.verdict(), covered: covered.length, tracked: notes.length * 20 };
      must('there was something to lose', covered.length > 0 || notes.length > 0, figures);
      return figures;
    } finally {
      disk.remove();
    }
  }),
);
