-- Reads a conversation as it stands at one moment.
--
-- KEYS  1 log   2 meta   3 messages   4 opinions, see rate.lua
-- ARGV  1 '1' for the messages as well, or ''   2 '1' for what people think of each in it, as `feedback`, or ''
-- reply {now in ms, log's length, log's last 24 bytes, {field, value, …} of the meta, {message, …}}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local messages = {}
if ARGV[1] ~= '' then
  messages = redis.call('LRANGE', KEYS[3], 0, -1)
end
if ARGV[2] ~= '' and redis.call('EXISTS', KEYS[4]) == 1 then
  local flat, opinions = redis.call('HGETALL', KEYS[4]), {}
  for i = 1, #flat, 2 do
    opinions[flat[i]] = flat[i + 1]:match('^%d+ (.*)$')
  end
  -- A message is an object that begins with its id.
  for i, message in ipairs(messages) do
    local opinion = opinions[message:match('^{"id":"([^"]*)"')]
    if opinion then
      messages[i] = message:sub(1, -2) .. ',"feedback":' .. opinion .. '}'
    end
  end
end
return {
  now,
  redis.call('STRLEN', KEYS[1]),
  redis.call('GETRANGE', KEYS[1], -24, -1),
  redis.call('HGETALL', KEYS[2]),
  messages,
}
