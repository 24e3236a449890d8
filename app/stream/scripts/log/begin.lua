-- A holder's first script on a stream: takes the fence and tells where the stream stands.
--
-- KEYS  1 log   2 meta
-- ARGV  1 fence   2 holder   3 life in ms, if the meta has less (a submit whose front died before it confirmed), or ''
--       4 '1' to count the first attempt of a stream that never had one, and is not to be cancelled
--       5 what is told of it, see story.lua, or ''
--       6 the newest version that the holder knows, or '' of one that only ends it
-- reply {status, now in ms, log's length, log's last 24 bytes, {field, value, …} of the meta}
--       status: ok | ended | fenced | gone | newer (of a version that the holder does not know: its fields are that one)
local length = redis.call('STRLEN', KEYS[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local facts = redis.call('HMGET', KEYS[2], 'state', 'fence', 'holder', 'attempt', 'cancel', 'version')
if not facts[1] then
  return {'gone', now, length, '', {}}
end
local fence, held = tonumber(ARGV[1]), tonumber(facts[2] or '0')
-- A failover can hand out a number twice: the same number counts as ours only under our own name.
if fence < held or (fence == held and facts[3] ~= ARGV[2]) then
  return {'fenced', now, length, '', {}}
end
if facts[1] ~= 'ended' and ARGV[6] ~= '' and tonumber(facts[6] or 1) > tonumber(ARGV[6]) then
  return {'newer', now, length, '', {'version', facts[6]}}
end
local status = 'ok'
if facts[1] == 'ended' then
  status = 'ended'
else
  redis.call('HSET', KEYS[2], 'fence', ARGV[1], 'holder', ARGV[2], 'state', 'running')
  redis.call('HSETNX', KEYS[2], 'started_at', now)
  -- Who counted is noted: a holder whose reply was lost asks again, and must know that the attempt is its own.
  if ARGV[4] == '1' and not facts[4] and facts[5] ~= '1' then
    redis.call('HSET', KEYS[2], 'attempt', 1, 'handed_over', 0, 'counted', ARGV[2])
  end
  if ARGV[5] ~= '' then
    story(KEYS[2], ARGV[5])
  end
  if ARGV[3] ~= '' and redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) / 2 then
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
  end
end
return {status, now, length, redis.call('GETRANGE', KEYS[1], -24, -1), redis.call('HGETALL', KEYS[2])}
