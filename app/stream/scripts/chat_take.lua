-- Makes a stream the one that a chat shows, and tells which one it was before. Safe to repeat.
--
-- KEYS  1 chat
-- ARGV  1 stream's id   2 id of the message that it writes   3 life in ms   4 what that message had already, or ''
-- reply the id of the stream that it takes the place of, or ''
local before = redis.call('HGET', KEYS[1], 'stream') or ''
if before == ARGV[1] then
  before = redis.call('HGET', KEYS[1], 'before') or ''
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'stream', ARGV[1], 'message', ARGV[2], 'before', before, 'parts', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return before
