-- Lets a claimed stream wait for a person, out of the line and without a holder: nothing of it counts against what may
-- wait. Uncounted; its place in the line is kept.
--
-- KEYS  1 leases   2 claims   3 who waits for a person
-- ARGV  1 id   2 fence   3 holder   4 ms until it has waited for too long   5 life of the queue's keys in s
-- reply 1, or 0 for a claim that is not the newest
local claim = redis.call('HGET', KEYS[2], ARGV[1])
local times, place, holder = (claim or ''):match('^(%d+)|([^|]+)|(.*)$')
if holder ~= ARGV[2] .. '|' .. ARGV[3] then
  return 0
end
local time = redis.call('TIME')
local due = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[4]
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], math.max(0, times - 1) .. '|' .. place .. '|0|')
redis.call('ZADD', KEYS[3], string.format('%.0f', due), ARGV[1])
redis.call('EXPIRE', KEYS[3], ARGV[5])
return 1
