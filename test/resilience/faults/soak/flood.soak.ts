// The collector under a flood, with its live page open in a real browser: memory stays flat, and the page alive.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CDPSession, Page } from 'playwright-core';
import { expect, inject, it } from 'vitest';
import { launchBrowser } from '../../../support/browser';

const minutes = Number(process.env['FLOOD_MINUTES'] ?? 10);
const MIB = 1024 * 1024;

/** What is seen of collector and page at one moment, in MiB and milliseconds. */
interface Look {
  readonly rss: number;
  readonly heap: number;
  readonly pageHeap: number;
  readonly nodes: number;
  readonly frameMs: number;
  readonly searchMs: number;
  readonly openMs: number;
  readonly ageMs: number;
}

/** The next message of a program; fails when it ends without one. */
async function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`${child.spawnargs.at(-1)} ended with ${String(code)}`);
  });
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal }), ended])) as [Answer];
    return message;
  } finally {
    ended.catch(() => {});
    settled.abort();
  }
}

async function timed(what: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await what();
  return Math.round(performance.now() - started);
}

// In the page, so that no line between it and us is measured. As text: this project knows no DOM.
const FRAME = `new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))`;
const NODES = `document.querySelectorAll('*').length`;
const AGE = `Date.now() - Date.parse(document.querySelector('.row time').dateTime)`;

async function look(collector: ChildProcess, page: Page, devtools: CDPSession): Promise<Look> {
  collector.send('memory');
  const { rss, heapUsed } = await answerOf<{ rss: number; heapUsed: number }>(collector);
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  const ageMs = await page.evaluate<number>(AGE);
  const frameMs = await timed(() => page.evaluate(FRAME));
  const searchMs = await timed(async () => {
    await page.locator('#text').fill('1.5');
    await page.locator('.row.bad').first().waitFor();
    expect(await page.locator('.row.good').count()).toBe(0);
  });
  await page.locator('#text').fill('');
  await page.locator('.row').nth(5).waitFor();
  // By place, as a hand does it: the rows do not hold still.
  const list = (await page.locator('#list').boundingBox())!;
  const openMs = await timed(async () => {
    await page.mouse.click(list.x + 60, list.y + 80);
    await page.locator('#detail h2').waitFor();
  });
  await page.keyboard.press('Escape');
  await page.locator('#detail').waitFor({ state: 'hidden' });
  const nodes = await page.evaluate<number>(NODES);
  return { rss: rss / MIB, heap: heapUsed / MIB, pageHeap: usedSize / MIB, nodes, frameMs, searchMs, openMs, ageMs };
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

/** First, middle and last of a series, whole. */
const course = (numbers: readonly number[]): number[] =>
  [numbers[0]!, numbers[Math.floor(numbers.length / 2)]!, numbers.at(-1)!].map(Math.round);

/** Median and largest. */
const spread = (numbers: readonly number[]): number[] => {
  const sorted = numbers.toSorted((one, other) => one - other);
  return [sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!];
};

it(`floods the collector for ${minutes} minutes`, async () => {
  const program = join(inject('root'), 'flood.mjs');
  copyFileSync(join(__dirname, 'flood.mjs'), program);
  const collector = fork(program, ['collector'], { execArgv: ['--expose-gc'] });
  const { url, startMs } = await answerOf<{ url: string; startMs: number }>(collector);
  const browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => complaints.push(dialog.message()));
  await page.goto(url);
  const devtools = await page.context().newCDPSession(page);
  const sender = fork(program, ['sender', url]);
  try {
    await page.locator('.row').nth(199).waitFor();
    const looks: Look[] = [];
    const started = performance.now();
    do {
      looks.push(await look(collector, page, devtools));
      await sleep(Math.min(5_000, (minutes * 60_000) / 20));
    } while (performance.now() - started < minutes * 60_000);
    sender.send('stop');
    const { good, bad } = await answerOf<{ good: number; bad: number }>(sender);
    const seconds = (performance.now() - started) / 1_000;

    const all = (good + bad).toLocaleString('en');
    await page.locator('[data-count="all"]', { hasText: all }).waitFor();
    const of = (name: keyof Look): number[] => looks.map((one) => one[name]);
    const figures = {
      minutes, events: good + bad, bad, rate: Math.round((good + bad) / seconds), startMs, looks: looks.length,
      rssMiB: course(of('rss')), heapMiB: course(of('heap')), pageHeapMiB: course(of('pageHeap')), pageNodes: course(of('nodes')),
      frameMs: spread(of('frameMs')), searchMs: spread(of('searchMs')), openMs: spread(of('openMs')), ageMs: spread(of('ageMs')),
    }; // prettier-ignore
    process.stdout.write(`${JSON.stringify({ title: 'a flood of events with the live page open', figures })}\n`);

    expect(complaints).toEqual([]);
    expect(await page.locator('[data-count="bad"]').textContent()).toBe(bad.toLocaleString('en'));
    expect(Math.max(...of('nodes'))).toBeLessThan(3_000);
    // Flat: what it holds in the last third is what it held in the second, give or take what moves all the time.
    const third = Math.floor(looks.length / 3);
    for (const name of ['rss', 'heap', 'pageHeap'] as const) {
      const [before, after] = [of(name).slice(third, 2 * third), of(name).slice(-third)];
      expect(mean(after), name).toBeLessThan(mean(before) * 1.1 + 8);
    }
  } finally {
    for (const child of [sender, collector]) child.kill();
    await browser.close();
  }
});
