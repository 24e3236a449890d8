-- Notes that a client of a chat was given its stream to the ending, unless the chat has gone on to another.
--
-- KEYS  1 chat
-- ARGV  1 stream's id
-- reply 1 | 0 where the chat shows another stream, or none
if redis.call('HGET', KEYS[1], 'stream') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'shown', '1')
return 1
