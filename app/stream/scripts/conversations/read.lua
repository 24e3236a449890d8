-- Reads a conversation as it stands at one moment.
--
-- KEYS  1 log   2 meta   3 messages
-- ARGV  1 '1' for the messages as well, or ''
-- reply {now in ms, log's length, log's last 24 bytes, {field, value, …} of the meta, {message, …}}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local messages = {}
if ARGV[1] ~= '' then
  messages = redis.call('LRANGE', KEYS[3], 0, -1)
end
return {
  now,
  redis.call('STRLEN', KEYS[1]),
  redis.call('GETRANGE', KEYS[1], -24, -1),
  redis.call('HGETALL', KEYS[2]),
  messages,
}
