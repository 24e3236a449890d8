-- Returns a claimed job that waits at a gate to the line, uncounted, behind all that may be taken: the gate puts it back
-- to its old place when its turn has come. Where it never does, the job may be taken again by itself, later.
--
-- At the gate there are turns of its own: all that was claimed since it closed waits there, and has had its turn in the
-- line. Whoever comes back to a gate has the place there that it had.
--
-- KEYS  1 to 6 the line, see line.lua   7 leases   8 claims   9 the gate's line   10 its turns, see turns.lua
--       11 stands while any is held   12 the models that have lines
-- ARGV  1 id   2 fence   3 holder   4 ms until it may be taken in any case   5 life of the queue's keys in s
--       6 life of the eleventh key in s   7 the model   8 its gate: what the ninth and tenth key begin with
-- reply 1, or 0 for a claim that is not the newest
local claim = redis.call('HGET', KEYS[8], ARGV[1])
if not claim then
  return 0
end
local times, place, holder = claim:match('^(%d+)|([^|]+)|(.*)$')
if holder ~= ARGV[2] .. '|' .. ARGV[3] then
  return 0
end
local time = redis.call('TIME')
redis.call('ZREM', KEYS[7], ARGV[1])
local due = string.format('%.0f', LINE_BEHIND + time[1] * 1000000 + time[2] + ARGV[4] * 1000)
line_return(ARGV[1], place, due, ARGV[5])
redis.call('HSET', KEYS[8], ARGV[1], math.max(0, times - 1) .. '|' .. place .. '|0|')

local record = line_record(ARGV[1])
if record and record.gate ~= ARGV[8] then
  record.gate, record.gate_place = ARGV[8], place_join(KEYS[9], KEYS[10], '+inf', ARGV[1], record, ARGV[5])
  line_keep(ARGV[1], record)
end
redis.call('ZADD', KEYS[9], record and record.gate_place or place, ARGV[1])
redis.call('SADD', KEYS[12], ARGV[7])
redis.call('EXPIRE', KEYS[12], ARGV[5])
redis.call('SET', KEYS[11], '1', 'EX', ARGV[6])
redis.call('EXPIRE', KEYS[9], ARGV[5])
return 1
