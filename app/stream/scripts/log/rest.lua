-- Writes on what a stream would have been given, had it not been cancelled: for those that read along. Its log has its
-- ending and takes no more; this stands beside it, without ids. Safe to repeat.
--
-- KEYS  1 meta   2 the rest
-- ARGV  1 channel of those that read along   2 fence   3 holder   4 at   5 frames   6 '1' where no more will come, or ''
--       7.. field, value, … of the meta
-- reply 1, or 0 for one who does not hold the stream any more
local facts = redis.call('HMGET', KEYS[1], 'fence', 'holder', 'rest')
if not facts[3] or facts[1] ~= ARGV[2] or facts[2] ~= ARGV[3] then
  return 0
end
local stands = redis.call('STRLEN', KEYS[2]) - ARGV[4] -- of these frames, from a try whose reply was lost
if stands >= 0 and stands < #ARGV[5] then
  redis.call('APPEND', KEYS[2], ARGV[5]:sub(stands + 1))
  if tonumber(ARGV[4]) == 0 then
    redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
  end
end
if ARGV[7] then
  redis.call('HSET', KEYS[1], unpack(ARGV, 7))
end
if ARGV[6] == '1' then
  redis.call('HSET', KEYS[1], 'rest', 'over')
end
redis.call('PUBLISH', ARGV[1], '1')
return 1
