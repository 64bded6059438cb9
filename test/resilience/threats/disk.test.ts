// Only its user can read what a durable store leaves on disk.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { DiskEventStore } from '../../../src/disk';
import { encodedEvents } from '../../support/events';

// Windows has no such modes: there a user's folders are the user's.
it.skipIf(process.platform === 'win32')(
  'T30: the folders and files of a durable store are for this user alone',
  async () => {
    const outer = mkdtempSync(join(tmpdir(), 'threats-disk-'));
    onTestFinished(() => rmSync(outer, { recursive: true, force: true }));
    const path = join(outer, 'made', 'new');
    const store = new DiskEventStore({ path });
    store.put(encodedEvents(3));
    expect(statSync(path).mode & 0o777).toBe(0o700);
    const inside = readdirSync(path, { recursive: true, withFileTypes: true });
    const modes = inside.map((each) => [each, statSync(join(each.parentPath, each.name)).mode & 0o777] as const);
    const files = modes.filter(([each]) => each.isFile());
    expect(files.length).toBeGreaterThan(2);
    expect(files.filter(([, mode]) => mode !== 0o600)).toEqual([]);
    const folders = modes.filter(([each]) => each.isDirectory());
    expect(folders.length).toBeGreaterThan(0);
    expect(folders.filter(([, mode]) => mode !== 0o700)).toEqual([]);
    await store.close();
  },
);
