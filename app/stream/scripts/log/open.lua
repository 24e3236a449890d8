-- Writes a new stream's meta, with a short life until its submit is confirmed. Safe to repeat: asked again because the
-- reply was lost, it must not put a stream that a worker has by now back to its beginning.
--
-- KEYS  1 meta
-- ARGV  1 life in ms   2.. field, value, …
-- reply created_at in ms
local created = redis.call('HGET', KEYS[1], 'created_at')
if created then
  return tonumber(created)
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'state', 'queued', 'created_at', now, unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return now
