-- Leaves what people think of an answer with its stream. Safe to repeat; an older word never takes a newer one's place.
--
-- KEYS  1 meta
-- ARGV  1 the opinion: `<number> <JSON>`, of which a later one has the higher number
-- reply 1, or 0 for a stream that is not there
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local known = redis.call('HGET', KEYS[1], 'feedback')
if not known or tonumber(known:match('^%d+')) <= tonumber(ARGV[1]:match('^%d+')) then
  redis.call('HSET', KEYS[1], 'feedback', ARGV[1])
end
return 1
