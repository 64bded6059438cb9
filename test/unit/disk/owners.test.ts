// Whose events are whose on one path: owners that live, stand still, die, end, are moved, or lose their socket.
import cluster from 'node:cluster';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DiskEventStore, type DiskStoreOptions } from '../../../src/disk';
import type { Lease } from '../../../src/delivery/store/event-store';
import { createTracker } from 'snowplow-middleware';
import { Child } from '../../support/child';
import { ALL, childWith, crashed, drain, folder, ids, ownersOn, segmentsOn } from '../../support/disk';
import { encodedEvents } from '../../support/events';
import { until } from '../../support/until';

let path: string;
const opened: DiskEventStore[] = [];
const children: Child[] = [];

function store(options: Partial<DiskStoreOptions> = {}): DiskEventStore {
  const made = new DiskEventStore({ path, ...options });
  opened.push(made);
  return made;
}

/** A process on the path that has put events. */
async function owner(
  count: number,
  how: Parameters<typeof childWith>[2] = {},
): Promise<{ child: Child; ids: string[] }> {
  const { child, said } = await childWith({ path }, count, how);
  children.push(child);
  return { child, ids: [...said.ids] };
}

/** Takes what comes until so many have come. */
async function takeAll(from: DiskEventStore, count: number): Promise<string[]> {
  const taken: string[] = [];
  await until(`${count} events have come`, () => taken.push(...drain(from)) >= count);
  return taken;
}

beforeEach(() => {
  path = folder();
});

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(children.splice(0).map((child) => child.stop()));
  await Promise.all(opened.splice(0).map((each) => each.close()));
  rmSync(path, { recursive: true, force: true });
});

describe('an owner that is killed', () => {
  test('leaves its events to one that lives, once, in their order', async () => {
    const heir = store();
    const dead = await owner(50);
    dead.child.kill('SIGKILL');
    await dead.child.exited;
    expect(await takeAll(heir, 50)).toEqual(dead.ids);
    expect([heir.recovered, heir.size, heir.bytes]).toEqual([50, 0, 0]);
    await heir.close();
    expect(ownersOn(path)).toEqual([]);
  });

  test('leaves them to the next that starts, where none lives', async () => {
    const dead = await owner(50);
    dead.child.kill('SIGKILL');
    await dead.child.exited;
    expect(await takeAll(store(), 50)).toEqual(dead.ids);
  });

  test('leaves them once to several that start together', async () => {
    const dead = await Promise.all([owner(20), owner(20), owner(20)]);
    for (const { child } of dead) child.kill('SIGKILL');
    await Promise.all(dead.map(({ child }) => child.exited));
    const heirs = Array.from({ length: 5 }, () => store());
    const taken: string[] = [];
    await until('all have come', () => taken.push(...heirs.flatMap((heir) => drain(heir))) >= 60);
    await sleep(100);
    taken.push(...heirs.flatMap((heir) => drain(heir)));
    expect(taken.toSorted()).toEqual(dead.flatMap((each) => each.ids).toSorted());
  });

  test('as a thread of a process that lives on leaves them too', async () => {
    const heir = store();
    const { child, ids: left } = await owner(20, { thread: true });
    child.kill('SIGUSR2');
    await child.printed(/ended/);
    expect(await takeAll(heir, 20)).toEqual(left);
  });

  test('is told from one that lives, where every process is number 1', async (context) => {
    const wrap = ['unshare', '--pid', '--fork', '--kill-child'];
    if (spawnSync(wrap[0] as string, [...wrap.slice(1), 'true']).status !== 0) return context.skip();
    const [lives, dies] = [await owner(20, { wrap }), await owner(20, { wrap })];
    dies.child.kill('SIGKILL');
    await dies.child.exited;
    const heir = store();
    // The one that lives may adopt the dead one's folder before the heir does.
    await until('the dead one has been found', () => ownersOn(path).length === 2);
    const taken = drain(heir);
    expect(taken).toEqual(taken.length === 0 ? [] : dies.ids);
    lives.child.kill('SIGKILL');
    await until('all have come', () => taken.push(...drain(heir)) >= 40);
    expect(taken.toSorted()).toEqual([...lives.ids, ...dies.ids].toSorted());
  });
});

test('an owner that stands still is not dead', async () => {
  const { child, ids: own } = await owner(20);
  child.kill('SIGSTOP');
  const other = store();
  await sleep(2_500);
  expect([other.recovered, ownersOn(path).length]).toEqual([0, 2]);
  child.kill('SIGKILL');
  await child.exited;
  expect(await takeAll(other, 20)).toEqual(own);
});

test('ten owners that crash one after another, each with what it has adopted, leave nothing nested', async () => {
  const accepted: string[] = [];
  for (let crash = 0; crash < 10; crash++) {
    const before = accepted.length;
    const next = store();
    await vi.waitFor(() => expect(next.recovered).toBe(before), 30_000);
    const events = encodedEvents(3);
    next.put(events);
    accepted.push(...ids(events));
    const image = folder();
    crashed(path, image);
    await next.close();
    rmSync(path, { recursive: true });
    renameSync(image, path);
  }
  const deep = readdirSync(path, { recursive: true }).filter((name) => /adopted.+adopted.+\.log/.test(String(name)));
  expect(deep).toEqual([]);
  const last = store();
  expect((await takeAll(last, 30)).toSorted()).toEqual(accepted.toSorted());
});

test('an owner that dies while it takes over leaves what it had taken and what it had not', async () => {
  const events = encodedEvents(6);
  const image = folder();
  for (const event of events.slice(0, 3)) store().put([event]);
  crashed(path, image);
  await Promise.all(opened.splice(0).map((each) => each.close()));
  rmSync(path, { recursive: true });
  renameSync(image, path);
  // As a kill between two renames leaves it: one folder has been moved, another still holds an adopted one.
  const [first, second, third] = ownersOn(path) as [string, string, string];
  renameSync(join(path, second), join(path, first, 'adopted', second));
  mkdirSync(join(path, first, 'adopted', second, 'adopted'), { recursive: true });
  renameSync(join(path, third), join(path, first, 'adopted', second, 'adopted', third));
  const heir = store();
  heir.put(events.slice(3));
  expect((await takeAll(heir, 6)).toSorted()).toEqual(ids(events).toSorted());
  await heir.close();
  expect(readdirSync(path)).toEqual(['snowplow-events-1']);
});

describe('a folder that is being made', () => {
  const name = '.new-0f0f0f0f0f0f0f0f';
  const isThere = (): boolean => readdirSync(path).includes(name);

  test('is left alone', async () => {
    mkdirSync(join(path, name));
    const made = store();
    await sleep(1_500);
    made.put(encodedEvents(1));
    expect(readdirSync(path)).toContain(name);
  });

  test('is left alone as long as its socket answers, and removed when it has refused for 60 seconds', async () => {
    mkdirSync(join(path, name));
    const socket = join(path, name, 'alive.sock');
    const script = 'require("node:net").createServer().listen(process.argv[1], () => console.log("listens"))';
    const maker = new Child(process.execPath, ['-e', script, socket]);
    children.push(maker);
    await maker.printed(/listens/);
    vi.useFakeTimers({ toFake: ['performance'] });
    const other = store();
    for (let look = 0; look < 3; look++) {
      await sleep(1_200);
      vi.advanceTimersByTime(61_000);
    }
    expect(isThere()).toBe(true);
    maker.kill('SIGKILL');
    await maker.exited;
    await sleep(2_500);
    expect(isThere()).toBe(true);
    await until('it is gone', () => (vi.advanceTimersByTime(61_000), !isThere()));
    expect([other.recovered, ownersOn(path).length]).toEqual([0, 1]);
  });

  test('without a socket is removed when it has stood still for 60 seconds', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    mkdirSync(join(path, name, 'adopted'), { recursive: true });
    const other = store();
    await sleep(2_500);
    vi.advanceTimersByTime(59_000);
    await sleep(1_500);
    expect(isThere()).toBe(true);
    await until('it is gone', () => (vi.advanceTimersByTime(2_000), !isThere()));
    expect(readdirSync(join(path, ownersOn(path)[0] as string, 'adopted'))).toEqual([]);
    expect(other.put(encodedEvents(1))).toBe(true);
  });
});

describe('a cleaner that removes', () => {
  test.each([
    ['the socket of an owner', (own: string): void => unlinkSync(join(own, 'alive.sock'))],
    ['the folder of an owner', (own: string): void => rmSync(own, { recursive: true })],
    ['the whole path', (): void => rmSync(path, { recursive: true })],
  ])('%s costs no event, and no other leases one', async (_what, remove) => {
    const one = store();
    const events = encodedEvents(30);
    one.put(events.slice(0, 10));
    const lease = one.take({ ...ALL, maxEvents: 5 }) as Lease;
    remove(join(path, ownersOn(path)[0] as string));
    mkdirSync(path, { recursive: true });
    const other = store();
    expect(one.put(events.slice(10, 20))).toBe(true);
    // Longer than a look of the owner takes, and than a newcomer waits.
    await sleep(4_500);
    expect(other.recovered).toBe(0);
    expect(one.put(events.slice(20))).toBe(true);
    void lease.nack();
    expect(drain(one)).toEqual(ids(events));
    await one.close();
    await other.close();
    expect(readdirSync(path)).toEqual(['snowplow-events-1']);
  });
});

test('a folder that was moved away goes on in a new one, with what had been adopted', async () => {
  const dead = encodedEvents(3);
  const before = store();
  before.put(dead);
  await before.close();
  const one = store();
  await vi.waitFor(() => expect(one.size).toBe(3), 30_000);
  const events = encodedEvents(4);
  one.put(events.slice(0, 2));
  const away = join(path, '..', `${ownersOn(path)[0] as string}-moved`);
  renameSync(join(path, ownersOn(path)[0] as string), away);
  one.put(events.slice(2));
  const image = folder();
  crashed(path, image);
  expect(drain(one).toSorted()).toEqual(ids([...dead, ...events]).toSorted());
  const second = new DiskEventStore({ path: image });
  opened.push(second);
  expect((await takeAll(second, 7)).toSorted()).toEqual(ids([...dead, ...events]).toSorted());
  rmSync(away, { recursive: true });
});

describe('under another kernel', () => {
  /** A folder as a machine that is gone has left it. */
  async function foreign(): Promise<readonly string[]> {
    const { child, ids: own } = await owner(10);
    child.kill('SIGKILL');
    await child.exited;
    writeFileSync(join(path, ownersOn(path)[0] as string, 'boot'), '00000000-0000-0000-0000-000000000000');
    return own;
  }

  test('a socket that refuses is no proof; one that has stood still for 60 seconds is', async () => {
    const own = await foreign();
    vi.useFakeTimers({ toFake: ['performance'] });
    const heir = store();
    await sleep(2_500);
    vi.advanceTimersByTime(59_000);
    await sleep(1_500);
    expect(heir.recovered).toBe(0);
    vi.advanceTimersByTime(2_000);
    expect(await takeAll(heir, 10)).toEqual(own);
  });

  test('an owner that touches its socket is left alone', async () => {
    const own = await foreign();
    vi.useFakeTimers({ toFake: ['performance'] });
    const heir = store();
    const socket = join(path, ownersOn(path).find((name) => segmentsOn(join(path, name)).length > 0) as string, 'alive.sock'); // prettier-ignore
    const touch = (): unknown => spawnSync('touch', ['-m', socket]);
    for (let minute = 0; minute < 3; minute++) {
      await sleep(1_200);
      touch();
      vi.advanceTimersByTime(61_000);
    }
    expect(heir.recovered).toBe(0);
    await sleep(1_200);
    vi.advanceTimersByTime(61_000);
    expect(await takeAll(heir, 10)).toEqual(own);
  });
});

test('in a cluster each worker has its own socket, whoever dies first', async () => {
  expect(cluster.isPrimary).toBe(true);
  cluster.setupPrimary({ exec: resolve('test/support/disk-child.mjs'), silent: true });
  const heir = store();
  const said: string[] = [];
  const workers = [0, 1].map(() => {
    cluster.setupPrimary({ args: [resolve('dist/index.js'), JSON.stringify({ path }), '10'] });
    const worker = cluster.fork();
    worker.process.stdout?.on('data', (text) => said.push(...(JSON.parse(String(text)) as { ids: string[] }).ids));
    return worker;
  });
  await until('both have put', () => said.length === 20);
  // The other worker or this process takes it over; what a worker has adopted comes when it dies too.
  workers[0]?.process.kill('SIGKILL');
  await until('it is adopted', () => ownersOn(path).length === 2);
  workers[1]?.process.kill('SIGKILL');
  await takeAll(heir, 20);
  expect(heir.recovered).toBe(20);
});

test('a primary that dies before its workers leaves their events to others', async () => {
  const script = `const cluster = require('node:cluster');
    cluster.setupPrimary({ exec: process.argv[1], args: process.argv.slice(2), execArgv: [] });
    for (let index = 0; index < 2; index++) cluster.fork();`;
  const args = [resolve('test/support/disk-child.mjs'), resolve('dist/index.js'), JSON.stringify({ path }), '10'];
  const primary = new Child(process.execPath, ['-e', script, ...args]);
  children.push(primary);
  await until('both workers have put', () => primary.output.split('"ids"').length === 3);
  const heir = store();
  primary.kill('SIGKILL');
  expect(await takeAll(heir, 20)).toHaveLength(20);
  await until('their folders are gone', () => ownersOn(path).length === 1);
});

test('the limit counts what all owners hold, and the room that a dead one leaves is used again', async () => {
  const events = encodedEvents(20, { padding: 10_000 });
  const bytes = (events[0]?.bytes as number) * 20;
  const one = store({ maxBytes: bytes });
  expect(one.put(events.slice(0, 15))).toBe(true);
  const other = store({ maxBytes: bytes });
  expect(other.put(events.slice(0, 10))).toBe(false);
  expect(other.put(events.slice(0, 4))).toBe(true);
  // Each looks at the others once a second.
  await sleep(1_200);
  expect(one.put(events.slice(0, 2))).toBe(false);
  expect(drain(one)).toHaveLength(15);
  await until('there is room again', () => other.put(events.slice(0, 10)));
});

test('a file is not kept for a few events that wait when all others are settled', async () => {
  const made = store();
  const events = encodedEvents(30, { padding: 500_000 });
  for (const event of events) made.put([event]);
  const lease = made.take(ALL) as Lease;
  expect(segmentsOn(path).length).toBeGreaterThan(2);
  const late = [lease.events[0], lease.events[10]] as Lease['events'];
  void lease.ack(lease.events.filter((event) => !late.includes(event)));
  await until('the files are gone', () => segmentsOn(path).length === 1);
  const image = folder();
  crashed(path, image);
  const second = new DiskEventStore({ path: image });
  opened.push(second);
  expect((await takeAll(second, 2)).toSorted()).toEqual(ids(late).toSorted());
  void lease.nack();
  expect(drain(made)).toEqual(ids(late));
  rmSync(image, { recursive: true, force: true });
});

test('what is copied from a backup is delivered', async () => {
  const made = store();
  const events = encodedEvents(5);
  made.put(events);
  const backup = folder();
  cpSync(path, backup, { recursive: true, filter: (from) => !from.endsWith('.sock') });
  const second = new DiskEventStore({ path: backup });
  opened.push(second);
  expect(await takeAll(second, 5)).toEqual(ids(events));
  rmSync(backup, { recursive: true, force: true });
});

test('an owner whose path is longer than a socket may have ends beside another, and that lives on', async () => {
  path = join(path, 'x'.repeat(100));
  const one = store();
  const other = store();
  await sleep(1_500);
  one.put(encodedEvents(3));
  await one.close();
  expect(await takeAll(other, 3)).toHaveLength(3);
});

test('an owner that has nothing left does not count against the limit of the others', async () => {
  const limit = { maxBytes: 50_000 };
  const one = store(limit);
  const other = store(limit);
  for (let index = 0; index < 40; index++) {
    one.put(encodedEvents(1, { padding: 1_400 }));
    drain(one);
  }
  await until('there is room for others', () => other.put(encodedEvents(1, { padding: 40_000 })));
});

test('folders of dead owners without events do not pile up', async () => {
  const heir = store();
  for (const name of ['0000000000000001', 'ended-0000000000000002'])
    mkdirSync(join(path, name, 'adopted'), { recursive: true });
  await until('they are gone', () => ownersOn(path).length === 1);
  const [own] = ownersOn(path) as [string];
  await until('there, too', () => readdirSync(join(path, own, 'adopted')).length === 0);
  expect(heir.size).toBe(0);
});

test('a store of a tracker whose other options are wrong does not live on', async () => {
  const before = store();
  before.put(encodedEvents(5));
  await before.close();
  expect(() => createTracker({ endpoint: 'not a host!!', durable: path, namespace: 'n' })).toThrow('endpoint');
  expect(await takeAll(store(), 5)).toHaveLength(5);
});

test('a relative path stays where it was when the process goes to another folder', async () => {
  const script = `process.chdir(process.argv[2]);
    const { createTracker, structEvent } = require(process.argv[1]);
    const tracker = createTracker({ endpoint: 'http://127.0.0.1:9', namespace: 'n', durable: 'events', logger: false });
    tracker.track(structEvent({ category: 'c', action: 'before' }));
    require('node:fs').mkdirSync('below');
    process.chdir('below');
    setTimeout(() => {
      tracker.track(structEvent({ category: 'c', action: 'behind' }));
      tracker.close(100).then(() => console.log('closed'));
    }, 1_500);`;
  const child = new Child(process.execPath, ['-e', script, resolve('dist/index.js'), path]);
  children.push(child);
  await child.printed(/closed/);
  await child.exited;
  path = join(path, 'events');
  expect(await takeAll(store(), 2)).toHaveLength(2);
});
