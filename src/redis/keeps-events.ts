// Says at the start when a Redis would not keep what it is given: when it evicts, or writes nothing to a disk.
import type { Log } from '../core/logger';
import type { Redis } from './client/client';

/** Asks the server for its settings, and warns; says nothing where it may not ask. */
export async function checkPersistence(redis: Redis, log: Log): Promise<void> {
  try {
    const [policy, limit, log_, snapshots] = await Promise.all(
      ['maxmemory-policy', 'maxmemory', 'appendonly', 'save'].map((name) => settingOf(redis, name)),
    );
    if (policy !== undefined && policy !== 'noeviction' && limit !== '0')
      log.warn(`this Redis may evict events when its memory is full: its maxmemory-policy is ${policy}`);
    if (log_ !== 'no') return;
    if (snapshots === '') log.warn('this Redis keeps nothing on disk: what it holds is lost when it stops');
    else log.warn('this Redis keeps snapshots only: what came since the last one is lost when it stops');
  } catch {
    // Managed servers forbid the question.
  }
}

// With the second version of the protocol name and value one after the other, with the third a map or an object; from
// valkey-glide a list of pairs.
async function settingOf(redis: Redis, name: string): Promise<string | undefined> {
  const reply = await redis.command('CONFIG', 'GET', name);
  const value: unknown = Array.isArray(reply)
    ? (reply[1] ?? (reply[0] as { value?: unknown } | undefined)?.value)
    : reply instanceof Map
      ? reply.get(name)
      : (reply as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}
