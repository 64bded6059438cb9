// What has to happen in Redis at once, as Lua. All keys of one script lie in one slot.

const DEATHS_ALLOWED = 5;
/** How long a worker may give no sign of life, in whole seconds of the server's clock, before others take over from it. */
export const EXPIRY_SECONDS = 15;
const DEAD_SECONDS = 30 * 24 * 3600;

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
while #entries < tonumber(ARGV[1]) and bytes < 8 * tonumber(ARGV[4]) do
  local entry = redis.call('LINDEX', KEYS[1], 0)
  if not entry then break end
  if watch and tonumber(redis.call('HGET', KEYS[3], redis.sha1hex(entry)) or 0) >= 2 then
    if #entries > 0 or tonumber(ARGV[2]) > 0 then break end
    alone = 1
  end
  redis.call('LPOP', KEYS[1])
  if #entry > tonumber(ARGV[4]) then
    redis.call('RPUSH', KEYS[4], entry)
    redis.call('EXPIRE', KEYS[4], ${DEAD_SECONDS})
  else
    local number = tonumber(ARGV[3]) + #entries
    redis.call('HSET', KEYS[2], number, entry)
    numbers[#numbers + 1] = number
    entries[#entries + 1] = entry
    bytes = bytes + #entry
  end
  if alone == 1 then break end
end
if #entries > 0 then redis.call('ZADD', KEYS[5], redis.call('TIME')[1], ARGV[5]) end
return {alone, numbers, entries}`;

/** Forgets entries that were delivered. KEYS: processing, deaths. ARGV: their numbers. */
export const DONE = `
if redis.call('EXISTS', KEYS[2]) == 1 then
  for _, number in ipairs(ARGV) do
    local entry = redis.call('HGET', KEYS[1], number)
    if entry then redis.call('HDEL', KEYS[2], redis.sha1hex(entry)) end
  end
end
for _, number in ipairs(ARGV) do redis.call('HDEL', KEYS[1], number) end`;

/** Lays entries aside as dead letters. KEYS: processing, deaths, dead. ARGV: their numbers. */
export const BURY = `
for _, number in ipairs(ARGV) do
  local entry = redis.call('HGET', KEYS[1], number)
  if entry then
    redis.call('RPUSH', KEYS[3], entry)
    redis.call('HDEL', KEYS[2], redis.sha1hex(entry))
    redis.call('HDEL', KEYS[1], number)
  end
end
redis.call('EXPIRE', KEYS[3], ${DEAD_SECONDS})`;

/**
 * A sign of life, by the server's own clock. KEYS: workers, taken, processing. ARGV: worker.
 * Answers: whether this worker was taken for dead, the workers that give no sign any more, and how many entries it has.
 */
export const BEAT = `
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ${EXPIRY_SECONDS})
return {redis.call('DEL', KEYS[2]), dead, redis.call('HLEN', KEYS[3])}`;

// From the newest to the oldest, each to the head: the order stays.
const putBack = (each: string): string => `
local numbers = redis.call('HKEYS', KEYS[2])
table.sort(numbers, function(a, b) return tonumber(a) > tonumber(b) end)
for _, number in ipairs(numbers) do
  if not keep[number] then
    local entry = redis.call('HGET', KEYS[2], number)
    redis.call('HDEL', KEYS[2], number)
    ${each}
  end
end
return #numbers`;

/** Gives what a worker has back to the list. KEYS: workers, processing, source. ARGV: worker, numbers of entries it keeps. */
export const GIVE_BACK = `
local keep = {}
for index = 2, #ARGV do keep[ARGV[index]] = true end
if #ARGV == 1 then redis.call('ZREM', KEYS[1], ARGV[1]) end${putBack("redis.call('LPUSH', KEYS[3], entry)")}`;

/**
 * Gives back what a dead worker had; an entry that was with five of them goes to the dead letters.
 * KEYS: workers, processing, source, deaths, dead, taken. ARGV: the dead worker.
 */
export const TAKE_OVER = `
local beat = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not beat or tonumber(beat) > tonumber(redis.call('TIME')[1]) - ${EXPIRY_SECONDS} then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('SET', KEYS[6], 1, 'EX', 86400)
local keep = {}${putBack(`local sha = redis.sha1hex(entry)
    if redis.call('HINCRBY', KEYS[4], sha, 1) >= ${DEATHS_ALLOWED} then
      redis.call('HDEL', KEYS[4], sha)
      redis.call('RPUSH', KEYS[5], entry)
      redis.call('EXPIRE', KEYS[5], ${DEAD_SECONDS})
    else
      redis.call('EXPIRE', KEYS[4], 86400)
      redis.call('LPUSH', KEYS[3], entry)
    end`)}`;
