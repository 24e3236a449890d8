-- The ids of streams that have waited for too long, also those whose lease expired and that nobody claimed.
--
-- KEYS  1 jobs   2 leases   3 claims   4 what the waiting ones take   5 the leases' clock
-- ARGV  1 longest wait in ms   2 most ids   3 life of the queue's keys in s
--       4 where the places of those begin that wait at a gate
-- reply {id, …}
local now, _, ended = lease_clock(KEYS[5], nil, ARGV[3])
local expired = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ended, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(expired) do
  local claim = redis.call('HGET', KEYS[3], id)
  local score = claim and claim:match('^%d+|([^|]+)|') or now * 1000
  redis.call('ZREM', KEYS[2], id)
  redis.call('ZADD', KEYS[1], score, id)
end
-- A line that was empty begins anew, and without a life.
if #expired > 0 then
  redis.call('DEL', KEYS[4]) -- counted anew, see submit.lua
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
local overdue = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', (now - ARGV[1]) * 1000, 'LIMIT', 0, ARGV[2])) do
  if id:match('^[%w_:%-]+$') then
    overdue[#overdue + 1] = id
  else
    redis.call('ZREM', KEYS[1], id) -- no stream's id, see claim.lua
  end
end
-- Those at a gate whom nobody took when it was time: their old place tells how long they have waited.
local due = string.format('%.0f', ARGV[4] + now * 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[4], due, 'LIMIT', 0, ARGV[2])) do
  local claim = redis.call('HGET', KEYS[3], id)
  if claim and tonumber(claim:match('^%d+|([^|]+)|')) <= (now - ARGV[1]) * 1000 then
    overdue[#overdue + 1] = id
  end
end
return overdue
