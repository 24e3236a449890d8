-- Puts a conversation at the head of its owner's list.
--
-- KEYS  1 list
-- ARGV  1 id   2 most conversations that may be listed   3 life in ms   4 '1' only if it is listed already, or ''
-- reply 1 | 0 where it is not listed and nothing may be added
local listed = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not listed then
  -- What was not used for its life has gone by itself, and must not count.
  local time = redis.call('TIME')
  local dead = time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(ARGV[3])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. dead)
  if ARGV[4] ~= '' or redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    return 0
  end
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
