-- The answer of an ended stream stands in its conversation: from now on it lives as every other, see append.lua. Safe to
-- repeat, and for what has not ended. Needs no room.
-- Where it was withdrawn it stands in none.
--
-- KEYS  1 log   2 meta   3 home
-- ARGV  1 the conversation that it stands in, or ''   2 for how long that is kept, in ms
-- reply 1 | 0 where nothing was to be done
local facts = redis.call('HMGET', KEYS[2], 'kept_until', 'owner', 'model', 'withdrawn')
local at = facts[1]
if not at then
  return 0
end
if ARGV[1] ~= '' and not facts[4] then
  redis.call('SET', KEYS[3], ARGV[1] .. '\n' .. (facts[2] or '') .. '\n' .. (facts[3] or ''), 'PX', ARGV[2])
end
redis.call('HDEL', KEYS[2], 'kept_until')
redis.call('PEXPIREAT', KEYS[1], at)
redis.call('PEXPIREAT', KEYS[2], at)
return 1
