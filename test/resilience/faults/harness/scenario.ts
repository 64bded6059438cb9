// A scenario: a fault, what it is done to, and what must hold; with two sizes, one for every commit and one for the soak.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type AppSettings } from './app';
import { type CollectorSettings, type Script, ScriptedCollector } from './collector';
import { Journal } from './journal';
import { judge, type Verdict } from './oracle';

export interface Scenario {
  /** Its number in the plan of faults. */
  readonly number: number;
  readonly title: string;
  /** Measures the process: runs while no other does. */
  readonly alone: boolean;
  /** Roughly how long its full size takes on an idle machine. */
  readonly seconds: number;
  /** @param budgetMs How long it may take, where it can take as long as one likes. */
  play(root: string, how: 'small' | 'full', seed: number, budgetMs?: number): Promise<Figures>;
}

export type Figures = Record<string, unknown>;

/** What a scenario works with. All that it opens is closed behind it. */
export interface Stage {
  /** Random numbers of the run's seed. */
  random(): number;
  /** A collector that is up. */
  collector(script?: Script, settings?: CollectorSettings): Promise<ScriptedCollector>;
  /** An app that is ready. */
  app(settings: AppSettings): Promise<App>;
  /** How long it may take, where it can take as long as one likes. */
  readonly budgetMs: number;
  /** A folder of the run's own. */
  readonly folder: string;
  /** What the apps wrote down so far. */
  journal(): Journal;
  /** Judges what was accepted so far against what all collectors have. */
  verdict(): Verdict;
}

export function scenario<Size>(
  number: number,
  title: string,
  sizes: { readonly small: Size; readonly full: Size; readonly alone?: boolean; readonly seconds?: number },
  run: (stage: Stage, size: Size) => Promise<Figures>,
): Scenario {
  const play: Scenario['play'] = async (root, how, seed, budgetMs = Infinity) => {
    const folder = mkdtempSync(join(tmpdir(), 'faults-run-'));
    const journal = join(folder, 'journal');
    const apps: App[] = [];
    const collectors: ScriptedCollector[] = [];
    const stage: Stage = {
      folder,
      budgetMs,
      random: randomOf(seed),
      collector: async (script, settings) => {
        const collector = await new ScriptedCollector(script, settings).up();
        collectors.push(collector);
        return collector;
      },
      app: async (settings) => {
        const app = new App(root, journal, settings);
        apps.push(app);
        return settings.attached === false ? app : app.ready();
      },
      journal: () => new Journal(journal),
      verdict: () => judge(new Journal(journal), collectors),
    };
    try {
      return await run(stage, sizes[how]);
    } catch (error) {
      (error as Error).message = `scenario ${number} (${title}), seed ${seed}: ${(error as Error).message}`;
      throw error;
    } finally {
      for (const app of apps) await app.discard();
      for (const collector of collectors) await collector.down();
      rmSync(folder, { recursive: true, force: true });
    }
  };
  return { number, title, alone: sizes.alone === true, seconds: sizes.seconds ?? 20, play };
}

// Mulberry32: a few lines are enough for numbers that can be had again.
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
