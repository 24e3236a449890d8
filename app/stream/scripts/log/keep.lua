-- Confirms a stream for a request that is about to be told of it: its meta lives on, and nobody withdraws it any more but
-- that request. Once two have confirmed it nobody does: the one may have been told by the time the other asks again.
--
-- KEYS  1 meta
-- ARGV  1 life in ms   2 the request's own word, which `withdraw` compares
--       3 how many waited in the line as it came there, or ''
-- reply state, or '' for a stream that is not there or was withdrawn
local facts = redis.call('HMGET', KEYS[1], 'state', 'withdrawn', 'kept')
if not facts[1] or facts[2] then
  return ''
end
local shared = facts[3] and facts[3] ~= ARGV[2]
redis.call('HSET', KEYS[1], 'kept', shared and 'shared' or ARGV[2])
if ARGV[3] ~= '' then
  redis.call('HSETNX', KEYS[1], 'waiting', ARGV[3])
end
-- An ended one has the life that its ending gave it.
if facts[1] ~= 'ended' and redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) / 2 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return facts[1]
