-- Lets everybody wait before the next call; a longer hold stays.
--
-- KEYS  1 the model's hold   2 stands while any model's does
-- ARGV  1 how long in ms
-- reply how long the hold still lasts, in ms
local left = redis.call('PTTL', KEYS[1])
if left < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
  left = tonumber(ARGV[1])
end
if redis.call('PTTL', KEYS[2]) < left then
  redis.call('SET', KEYS[2], '1', 'PX', left)
end
return left
