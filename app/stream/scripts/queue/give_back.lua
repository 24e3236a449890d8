-- Returns claimed jobs to the queue at their original place; the claim is not counted.
--
-- KEYS  1 to 6 the line, see line.lua   7 leases   8 claims
-- ARGV  1 wake channel   2 life of the queue's keys in s   3.. id, fence, holder, …
-- reply number of jobs returned
local returned = 0
for i = 3, #ARGV, 3 do
  local id = ARGV[i]
  local claim = redis.call('HGET', KEYS[8], id)
  if claim then
    local times, place, holder = claim:match('^(%d+)|([^|]+)|(.*)$')
    if holder == ARGV[i + 1] .. '|' .. ARGV[i + 2] then
      redis.call('ZREM', KEYS[7], id)
      line_return(id, place, place, ARGV[2])
      redis.call('HSET', KEYS[8], id, math.max(0, times - 1) .. '|' .. place .. '|0|')
      returned = returned + 1
    end
  end
end
if returned > 0 then
  redis.call('PUBLISH', ARGV[1], '1')
end
return returned
