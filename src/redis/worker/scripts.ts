// What has to happen in Redis at once, as Lua. All keys of one script lie in one slot.
//
// Redis refuses a command by ending the script there: because it is full, a replica or cannot save, because the user may not,
// because a key is of another type. What the script has done before stays done. Therefore
// - each script begins with a removal of nothing. A Redis that is full (`maxmemory` with `noeviction`) refuses what needs memory
//   and allows what needs none; to a script that has written, if only such a thing, it then allows everything, since it could not
//   stop it half way. This holds for Redis 6.2.14 and 7.0.15, and not for DECR or a `pcall` that was refused; the flag
//   `#!lua flags=allow-oom` would say the same, but 6.2 cannot read it.
// - an entry is written to its new place before it is removed from the old one, by a command that the script has used already.

const DEATHS_ALLOWED = 5;
/** How long a worker may send no heartbeat, in whole seconds of the server's clock, before others claim what it has. */
export const EXPIRY_SECONDS = 15;
const DEAD_SECONDS = 30 * 24 * 3600;

const pushDeadLetter = (list: string): string => `
    redis.call('EXPIRE', ${list}, ${DEAD_SECONDS})
    redis.call('RPUSH', ${list}, entry)
    redis.call('EXPIRE', ${list}, ${DEAD_SECONDS})`;

/**
 * Moves entries from the list to the worker's own. One that two workers have died with comes alone, so that it can take
 * no others along; one that is too large goes to the dead letters.
 *
 * KEYS: source, processing, deaths, dead, workers. ARGV: most entries, entries held already, number of the first, most
 * bytes of an entry, worker.
 * Answers: whether it came alone, the numbers, the entries.
 */
export const FETCH = `
local numbers, entries, bytes = {}, {}, 0
local watch = redis.call('EXISTS', KEYS[3]) == 1
local alone = 0
local entry = redis.call('LINDEX', KEYS[1], 0)
if entry then
  redis.call('LTRIM', KEYS[1], 0, -1)
  redis.call('HDEL', KEYS[2], '')
end
while entry and #entries < tonumber(ARGV[1]) and bytes < 8 * tonumber(ARGV[4]) do
  if watch and tonumber(redis.call('HGET', KEYS[3], redis.sha1hex(entry)) or 0) >= 2 then
    if #entries > 0 or tonumber(ARGV[2]) > 0 then break end
    alone = 1
  end
  if #entry > tonumber(ARGV[4]) then${pushDeadLetter('KEYS[4]')}
  else
    local number = tonumber(ARGV[3]) + #entries
    if #entries == 0 then redis.call('ZADD', KEYS[5], redis.call('TIME')[1], ARGV[5]) end
    redis.call('HSET', KEYS[2], number, entry)
    numbers[#numbers + 1] = number
    entries[#entries + 1] = entry
    bytes = bytes + #entry
  end
  redis.call('LTRIM', KEYS[1], 1, -1)
  if alone == 1 then break end
  entry = redis.call('LINDEX', KEYS[1], 0)
end
return {alone, numbers, entries}`;

/** Forgets entries that were delivered. KEYS: processing, deaths. ARGV: their numbers. */
export const DONE: string = `
if redis.call('EXISTS', KEYS[2]) == 1 then
  for _, number in ipairs(ARGV) do
    local entry = redis.call('HGET', KEYS[1], number)
    if entry then redis.call('HDEL', KEYS[2], redis.sha1hex(entry)) end
  end
end
for _, number in ipairs(ARGV) do redis.call('HDEL', KEYS[1], number) end`;

/** Lays entries aside as dead letters. KEYS: processing, deaths, dead. ARGV: their numbers. */
export const DEAD_LETTER = `
redis.call('HDEL', KEYS[1], '')
for _, number in ipairs(ARGV) do
  local entry = redis.call('HGET', KEYS[1], number)
  if entry then${pushDeadLetter('KEYS[3]')}
    redis.call('HDEL', KEYS[1], number)
    redis.call('HDEL', KEYS[2], redis.sha1hex(entry))
  end
end`;

/**
 * A heartbeat, by the server's own clock. KEYS: workers, taken, processing. ARGV: worker.
 * Answers: whether this worker was taken for dead, the workers that send no heartbeat any more, and how many entries it has.
 */
export const BEAT: string = `
redis.call('ZREM', KEYS[1], '')
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ${EXPIRY_SECONDS})
local entries = redis.call('HLEN', KEYS[3])
return {redis.call('DEL', KEYS[2]), dead, entries}`;

// From the newest to the oldest, each to the head: the order stays.
const putBack = (write: string, afterwards = ''): string => `
redis.call('HDEL', KEYS[2], '')
local numbers = redis.call('HKEYS', KEYS[2])
table.sort(numbers, function(a, b) return tonumber(a) > tonumber(b) end)
for _, number in ipairs(numbers) do
  if not keep[number] then
    local entry = redis.call('HGET', KEYS[2], number)
    ${write}
    redis.call('HDEL', KEYS[2], number)
    ${afterwards}
  end
end`;

/** Gives what a worker has back to the list. KEYS: workers, processing, source. ARGV: worker, numbers of entries it keeps. */
export const GIVE_BACK = `
local keep = {}
for index = 2, #ARGV do keep[ARGV[index]] = true end${putBack("redis.call('LPUSH', KEYS[3], entry)")}
if #ARGV == 1 then redis.call('ZREM', KEYS[1], ARGV[1]) end
return #numbers`;

/**
 * Gives back what a dead worker had; an entry that was with five of them goes to the dead letters.
 * KEYS: workers, processing, source, deaths, dead, taken. ARGV: the dead worker.
 */
export const TAKE_OVER = `
local beat = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not beat or tonumber(beat) > tonumber(redis.call('TIME')[1]) - ${EXPIRY_SECONDS} then return 0 end
redis.call('ZREM', KEYS[1], '')
redis.call('SET', KEYS[6], 1, 'EX', 86400)
local keep = {}${putBack(
  `local sha = redis.sha1hex(entry)
    local last = tonumber(redis.call('HGET', KEYS[4], sha) or 0) + 1 >= ${DEATHS_ALLOWED}
    if last then${pushDeadLetter('KEYS[5]')}
    else redis.call('LPUSH', KEYS[3], entry) end`,
  `if last then redis.call('HDEL', KEYS[4], sha)
    else
      redis.call('HINCRBY', KEYS[4], sha, 1)
      redis.call('EXPIRE', KEYS[4], 86400)
    end`,
)}
redis.call('ZREM', KEYS[1], ARGV[1])
return #numbers`;
