-- Lets everybody wait before the next call; a longer hold stays.
--
-- KEYS  1 hold
-- ARGV  1 how long in ms
-- reply how long the hold still lasts, in ms
local left = redis.call('PTTL', KEYS[1])
if left >= tonumber(ARGV[1]) then
  return left
end
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return tonumber(ARGV[1])
