-- A chat shows again what it showed before a stream took it, where that stream was withdrawn.
--
-- KEYS  1 chat   2 what it showed before
-- ARGV  1 id of the stream that leaves   2 life in ms
-- reply 1 | 0 where the chat shows another stream, or none
if redis.call('HGET', KEYS[1], 'stream') ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('RENAME', KEYS[2], KEYS[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
