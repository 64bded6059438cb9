import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fromPino, logger, type LogLevel } from 'snowplow-middleware';
import { capture, keepLines } from '../../support/capture';

const LEVELS: LogLevel[] = ['debug', 'info', 'warn', 'error'];
const breach = (tracker: ReturnType<typeof capture>['tracker']): void =>
  void tracker.trackStructEvent({ category: '', action: 'a' });

afterEach(() => {
  logger.setLevel('warn');
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('the default logger', () => {
  it('writes lines of its level and above to the console, by default warn', () => {
    const written: string[] = [];
    for (const level of LEVELS) vi.spyOn(console, level).mockImplementation((line: string) => void written.push(line));
    const tryAll = (): string[] => {
      written.length = 0;
      for (const level of LEVELS) logger[level](level);
      return [...written];
    };
    expect(tryAll()).toEqual(['snowplow: warn', 'snowplow: error']);
    logger.setLevel('debug');
    expect(tryAll()).toHaveLength(4);
    logger.setLevel('error');
    expect(tryAll()).toEqual(['snowplow: error']);
    logger.setLevel('silent');
    expect(tryAll()).toEqual([]);
  });

  it('refuses an unknown level', () => {
    expect(() => logger.setLevel('warning' as 'warn')).toThrow('logger.setLevel: level must be one of debug, info, warn, error, silent, got "warning"'); // prettier-ignore
  });

  it('is used by a tracker without a logger', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    breach(capture({ logger: undefined, contracts: 'log' }).tracker);
    expect(warn.mock.calls).toEqual([
      ['snowplow: trackStructEvent: a broken contract, the event was refused', { argument: 'category', expected: 'a non-empty string' }],
    ]); // prettier-ignore
  });
});

describe('the app’s own logger', () => {
  it('false turns it off', () => {
    const spies = LEVELS.map((level) => vi.spyOn(console, level).mockImplementation(() => {}));
    breach(capture({ logger: false, contracts: 'log' }).tracker);
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  });

  it('that throws or rejects has no effect', async () => {
    const failing = (): never => {
      throw new Error('disk full');
    };
    const rejecting = (async () => failing()) as unknown as () => void;
    for (const write of [failing, rejecting]) {
      const { tracker, payloads } = capture({ logger: { debug: write, info: write, warn: write, error: write }, contracts: 'log' }); // prettier-ignore
      expect(() => breach(tracker)).not.toThrow();
      tracker.trackPageView({ pageUrl: 'http://h/' });
      expect(payloads).toHaveLength(1);
    }
    await new Promise(setImmediate);
  });

  it('keeps its this', () => {
    class Lines {
      readonly kept: string[] = [];
      debug(line: string): void {
        this.kept.push(line);
      }
      info(line: string): void {
        this.debug(line);
      }
      warn(line: string): void {
        this.debug(line);
      }
      error(line: string): void {
        this.debug(line);
      }
    }
    const lines = new Lines();
    breach(capture({ logger: lines, contracts: 'log' }).tracker);
    expect(lines.kept).toHaveLength(1);
  });

  it('gets a line that repeats once a minute, with the number that was held back', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { lines, logger: own } = keepLines();
    const { tracker } = capture({ logger: own, contracts: 'log' });
    for (let count = 0; count < 50; count++) breach(tracker);
    expect(lines).toHaveLength(1);
    vi.advanceTimersByTime(60_000);
    breach(tracker);
    expect(lines.map(([, message]) => message)).toEqual([
      'trackStructEvent: a broken contract, the event was refused',
      'trackStructEvent: a broken contract, the event was refused (and 49 more times since)',
    ]);
  });
});

it('pino is adapted: fields first, levels kept', async () => {
  const written: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  const own = fromPino(pino({ level: 'debug' }, stream));
  for (const level of LEVELS) own[level](level, { n: 1 });
  own.info('no fields');
  breach(capture({ logger: own, contracts: 'log' }).tracker);
  await vi.waitFor(() => expect(written).toHaveLength(6), 30_000);
  expect(written.slice(0, 4).map(({ level, msg, n }) => [level, msg, n])).toEqual([
    [20, 'debug', 1],
    [30, 'info', 1],
    [40, 'warn', 1],
    [50, 'error', 1],
  ]);
  expect(written[5]).toMatchObject({ level: 40, argument: 'category', msg: 'trackStructEvent: a broken contract, the event was refused' }); // prettier-ignore
});
