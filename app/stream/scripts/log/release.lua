-- The answer of an ended stream stands in its conversation: from now on it lives as every other, see append.lua. Safe to
-- repeat, and for what has not ended. Needs no room.
--
-- KEYS  1 log   2 meta
-- reply 1 | 0 where nothing was to be done
local at = redis.call('HGET', KEYS[2], 'kept_until')
if not at then
  return 0
end
redis.call('HDEL', KEYS[2], 'kept_until')
redis.call('PEXPIREAT', KEYS[1], at)
redis.call('PEXPIREAT', KEYS[2], at)
return 1
