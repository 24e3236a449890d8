-- Takes back a stream whose request is going to get an error, unless another request was told of it meanwhile. What is left
-- is a mark: whatever of the submit still arrives finds a stream that has ended, and nobody runs it; who asks with its key
-- finds one that never was. Begins with what needs no room: it must pass where Redis is full.
--
-- KEYS  1 meta
-- ARGV  1 the request's own word, see keep.lua   2 control channel   3 life of the mark in ms
-- reply withdrawn | running (a worker has it, or had it, and is told to cancel it) | ended | kept
local facts = redis.call('HMGET', KEYS[1], 'state', 'withdrawn', 'kept')
if facts[2] then
  return 'withdrawn'
end
if facts[3] and facts[3] ~= ARGV[1] then
  return 'kept'
end
if facts[1] == 'ended' then
  return 'ended'
end
if facts[1] and facts[1] ~= 'queued' then -- also where a newer version calls it otherwise
  redis.call('HDEL', KEYS[1], 'kept')
  redis.call('HSET', KEYS[1], 'cancel', '1', 'withdrawn', ARGV[3])
  redis.call('PUBLISH', ARGV[2], 'cancel')
  return 'running'
end
redis.call('HDEL', KEYS[1], 'request')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSETNX', KEYS[1], 'created_at', now)
redis.call('HSET', KEYS[1], 'state', 'ended', 'withdrawn', ARGV[3], 'outcome', 'cancelled', 'ended_at', now)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 'withdrawn'
