-- Keeps an answer for those who ask the same. What all of them take is bounded: those that were not used for longest make
-- room, and of those that have ended the size is forgotten first. Safe to repeat.
--
-- KEYS  1 the kept answer   2 when answers were last used   3 when they end   4 their sizes, and of all together (`all`)
-- ARGV  1 digest of the request   2 id of the stream   3 frames   4 life in ms   5 most bytes of all
--       6 prefix of answers, whose keys are all of this slot   7 life in s of what is known of them
-- reply 1, or 0 for an answer that is larger than all of them may be
local digest, size, most = ARGV[1], #ARGV[3], tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function forget(one)
  local known = redis.call('HGET', KEYS[4], one)
  if known then
    redis.call('HINCRBY', KEYS[4], 'all', -known)
    redis.call('HDEL', KEYS[4], one)
  end
  redis.call('ZREM', KEYS[2], one)
  redis.call('ZREM', KEYS[3], one)
end

if size > most then
  return 0
end
forget(digest)
for _, one in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 1000)) do
  forget(one)
end
while tonumber(redis.call('HGET', KEYS[4], 'all') or '0') + size > most do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  if not oldest then -- what was known of them is lost: it is counted anew
    redis.call('DEL', KEYS[4])
    break
  end
  redis.call('DEL', ARGV[6] .. oldest)
  forget(oldest)
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'id', ARGV[2], 'at', now, 'frames', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], now, digest)
redis.call('ZADD', KEYS[3], now + ARGV[4], digest)
redis.call('HSET', KEYS[4], digest, size)
redis.call('HINCRBY', KEYS[4], 'all', size)
for key = 2, 4 do
  redis.call('EXPIRE', KEYS[key], ARGV[7])
end
return 1
