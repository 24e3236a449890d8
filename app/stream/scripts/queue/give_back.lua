-- Returns claimed jobs to the queue at their original place; the claim is not counted.
--
-- KEYS  1 jobs   2 leases   3 claims   4 what the waiting ones take
-- ARGV  1 wake channel   2 life of the queue's keys in s   3.. id, fence, holder, …
-- reply number of jobs returned
local returned = 0
for i = 3, #ARGV, 3 do
  local id = ARGV[i]
  local claim = redis.call('HGET', KEYS[3], id)
  if claim then
    local times, score, holder = claim:match('^(%d+)|([^|]+)|(.*)$')
    if holder == ARGV[i + 1] .. '|' .. ARGV[i + 2] then
      redis.call('ZREM', KEYS[2], id)
      redis.call('ZADD', KEYS[1], score, id)
      redis.call('HSET', KEYS[3], id, math.max(0, times - 1) .. '|' .. score .. '|0|')
      returned = returned + 1
    end
  end
end
if returned > 0 then
  redis.call('DEL', KEYS[4]) -- counted anew, see submit.lua
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  redis.call('PUBLISH', ARGV[1], '1')
end
return returned
