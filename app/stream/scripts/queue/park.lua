-- Returns a claimed job that waits at a gate to the line, uncounted, behind all that may be taken: the gate puts it back
-- to its old place when its turn has come. Where it never does, the job may be taken again by itself, later.
--
-- KEYS  1 jobs   2 leases   3 claims   4 what the waiting ones take   5 the gate's line   6 stands while any is held
--       7 the models that have lines
-- ARGV  1 id   2 fence   3 holder   4 ms until it may be taken in any case   5 life of the queue's keys in s
--       6 life of the sixth key in s   7 what is added to a time to make it a place behind all   8 the model
-- reply 1, or 0 for a claim that is not the newest
local claim = redis.call('HGET', KEYS[3], ARGV[1])
if not claim then
  return 0
end
local times, score, holder = claim:match('^(%d+)|([^|]+)|(.*)$')
if holder ~= ARGV[2] .. '|' .. ARGV[3] then
  return 0
end
local time = redis.call('TIME')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[1], string.format('%.0f', ARGV[7] + time[1] * 1000000 + time[2] + ARGV[4] * 1000), ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], math.max(0, times - 1) .. '|' .. score .. '|0|')
redis.call('ZADD', KEYS[5], score, ARGV[1])
redis.call('SADD', KEYS[7], ARGV[8])
redis.call('EXPIRE', KEYS[7], ARGV[5])
redis.call('SET', KEYS[6], '1', 'EX', ARGV[6])
redis.call('DEL', KEYS[4]) -- counted anew, see submit.lua
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[5], ARGV[5])
return 1
