-- A worker has found a stream that it claimed to be of a newer version than its own: the stream is put by for one that
-- knows it, uncounted, and its job says so from now on.
--
-- KEYS  1 to 6 the line, see line.lua   7 leases   8 claims   9 who is put by, see newer.lua   10 arq's job
-- ARGV  1 id   2 fence   3 holder   4 the version   5 wake channel   6 life of the queue's keys in s
--       7 the job, where it is lost   8 its life in ms then
-- reply 1, or 0 for a claim that is not the newest
local claim = redis.call('HGET', KEYS[8], ARGV[1])
local times, place, holder = (claim or ''):match('^(%d+)|([^|]+)|(.*)$')
if holder ~= ARGV[2] .. '|' .. ARGV[3] then
  return 0
end
redis.call('ZREM', KEYS[7], ARGV[1])
local job = redis.pcall('GET', KEYS[10])
if type(job) == 'string' then
  job = job:gsub('^{"v":%d+,', '{', 1):gsub('^{', '{"v":' .. ARGV[4] .. ',', 1)
  redis.call('SET', KEYS[10], job, 'KEEPTTL')
else
  redis.call('SET', KEYS[10], ARGV[7], 'PX', ARGV[8])
end
newer_put_by(KEYS[9], KEYS[8], ARGV[1], place, ARGV[6], math.max(0, times - 1))
redis.call('PUBLISH', ARGV[5], '1')
return 1
