// One program of the benchmark as a process of its own, pinned to a core where the system can do that.
import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const TIMEOUT_MS = 120_000;

/** Programs under test run on core 0; sinks and load generators on core 1. */
export const TESTED = 0;
export const BESIDE = 1;
export const pinned = availableParallelism() > 1 && spawnSync('taskset', ['-c', '1', 'true']).status === 0;

/** Starts `programs/<name>.mjs` with `options` as its argument. */
export function start(name, options, core = TESTED, nodeArgs = []) {
  const program = fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url));
  const pin = pinned ? ['taskset', '-c', String(core)] : [];
  const [command, ...args] = [...pin, process.execPath, ...nodeArgs, program, JSON.stringify(options)];
  const child = spawn(command, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const arrived = [];
  const waiting = [];
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.on('message', (message) => {
    const waiter = waiting.shift();
    if (waiter) waiter.resolve(message);
    else arrived.push(message);
  });
  child.once('exit', (code, signal) => {
    for (const { reject } of waiting) reject(new Error(`${program} ended (${code ?? signal})`));
  });

  const next = () => {
    if (arrived.length > 0) return Promise.resolve(arrived.shift());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${program} said nothing for ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
      const settled = (settle) => (value) => {
        clearTimeout(timer);
        settle(value);
      };
      waiting.push({ resolve: settled(resolve), reject: settled(reject) });
    });
  };
  return {
    /** The program's next message. */
    next,
    /** Sends a message and waits for the answer. */
    ask(message) {
      child.send(message);
      return next();
    },
    async stop() {
      child.kill();
      await ended;
    },
  };
}

/** Runs a program that answers once. */
export async function run(name, options, core, nodeArgs) {
  const child = start(name, options, core, nodeArgs);
  try {
    return await child.next();
  } finally {
    await child.stop();
  }
}
