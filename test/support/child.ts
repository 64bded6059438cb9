// A separate Node process, for what can only be observed from outside, such as exits and signals.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running child: what it printed, and how it ends. */
export class Child {
  output = '';
  readonly exited: Promise<Exit>;
  readonly process: ChildProcess;

  constructor(command: string, args: readonly string[], env: Record<string, string> = {}) {
    this.process = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    // `close` comes when all that it printed has been read; `exit` may come before.
    this.exited = once(this.process, 'close').then(([code, signal]) => ({ code, signal }) as Exit);
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
  }

  /** Runs a CommonJS program given as text; `require('snowplow-middleware')` finds the built package. */
  static program(source: string, env: Record<string, string> = {}): Child {
    return new Child(process.execPath, ['-e', source], env);
  }

  /** Resolves with the match as soon as the output has one. */
  async printed(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpMatchArray> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const match = this.output.match(pattern);
      if (match) return match;
      if (this.process.exitCode !== null || this.process.signalCode !== null || Date.now() > deadline)
        throw new Error(`the child never printed ${pattern}; it printed:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Ends it at once, where a test has not. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL');
    await this.exited;
  }
}
