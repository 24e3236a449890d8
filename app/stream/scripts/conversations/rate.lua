-- Leaves what people think of an answer with the conversation that it stands in: nothing of the history changes, and no
-- event tells of it. Safe to repeat; an older word never takes a newer one's place.
--
-- KEYS  1 meta   2 opinions
-- ARGV  1 the message's id   2 the opinion: `<number> <JSON>`   3 most bytes of all opinions together
-- reply 1, or 0 where the conversation is not there, or has no room
if redis.call('HGET', KEYS[1], 'state') ~= 'running' then
  return 0
end
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known and tonumber(known:match('^%d+')) > tonumber(ARGV[2]:match('^%d+')) then
  return 1
end
local more = #ARGV[2] - (known and #known or 0)
local bytes = tonumber(redis.call('HGET', KEYS[1], 'opinion_bytes') or '0') + more
if more > 0 and bytes > tonumber(ARGV[3]) then
  return 0
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[1], 'opinion_bytes', bytes)
redis.call('HINCRBY', KEYS[1], 'opinions', 1)
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
return 1
