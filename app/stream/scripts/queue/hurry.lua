-- Puts one that waits at the head of the line, for whoever ends it; does nothing to one that does not wait.
--
-- KEYS  1 jobs
-- ARGV  1 id   2 wake channel
-- reply 1 if it was moved
-- It needs no room, though Redis takes ZADD for what does.
local moved = redis.call('ZADD', KEYS[1], 'XX', 'LT', 'CH', 0, ARGV[1])
redis.call('PUBLISH', ARGV[2], '1')
return moved
