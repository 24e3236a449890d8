-- Makes a stream the one that a chat shows, and tells which one it was before. Safe to repeat. What it showed before is
-- kept aside for a moment, for `chat_leave`.
--
-- KEYS  1 chat   2 what it showed before   3 the stream's job (or the chat again, to take it in any case)
-- ARGV  1 stream's id   2 id of the message that it writes   3 life in ms   4 what that message had already, or ''
--       5 for how many ms it can be left again
-- reply the id of the stream that it takes the place of, or ''
if KEYS[3] ~= KEYS[1] and redis.call('EXISTS', KEYS[3]) == 0 then
  return '' -- the submit was refused: the chat stays as it is
end
local before = redis.call('HGET', KEYS[1], 'stream')
if before == ARGV[1] then
  return redis.call('HGET', KEYS[1], 'before')
end
if before then
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
else
  redis.call('DEL', KEYS[2])
end
redis.call('HSET', KEYS[1], 'stream', ARGV[1], 'message', ARGV[2], 'before', before or '', 'parts', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return before or ''
