// When a process counts as dead: by its last sign of life, never by a process id, which every container counts from 1.
import type { Ownership } from './queue-file';

/** How often a process gives a sign of life. */
export const BEAT_MS = 1_000;
const EXPIRY_MS = 15_000;

/** Milliseconds that never jump, the same for all processes of a machine. */
export const monotonicMs = (): number => Math.floor(Number(process.hrtime.bigint()) / 1e6);

/** Whether a queue is free to be taken over. */
// After a restart of the machine its clock begins anew: a sign of life from the future is an old one.
export const isDead = (ownership: Ownership | undefined, now: number): boolean =>
  !ownership?.owner || now - ownership.beat > EXPIRY_MS || ownership.beat > now + BEAT_MS;
