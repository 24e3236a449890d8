-- Lets all leases of workers that are gone expire now and takes these off the list; the next claim moves their streams to
-- the queue. One that was alive after all renews them, or is fenced like anybody who lost a lease. One that is not on the
-- list is let be: somebody else has done it, for all who look find the same dead, and each would walk all claims. Where all
-- may have lost their connections a moment ago, nothing is done.
--
-- KEYS  1 leases   2 claims   3 workers   4 the leases' clock
-- ARGV  1 wake channel   2 life of the queue's keys in s   3.. worker, …
-- reply {worker, number of its leases that expired, …} of those that were on the list
local _, _, _, all_back = lease_clock(KEYS[4], nil, ARGV[2])
if not all_back then
  return {}
end
local gone, all = {}, 0
for i = 3, #ARGV do
  if redis.call('ZREM', KEYS[3], ARGV[i]) == 1 then
    gone[ARGV[i]] = 0
  end
end
local claims = next(gone) and redis.call('HGETALL', KEYS[2]) or {}
for i = 1, #claims, 2 do
  local worker = claims[i + 1]:match('^%d+|[^|]+|%d+|(.*)/%d+$')
  if worker and gone[worker] then
    local expired = redis.call('ZADD', KEYS[1], 'XX', 'CH', 0, claims[i])
    gone[worker], all = gone[worker] + expired, all + expired
  end
end
if all > 0 then
  redis.call('PUBLISH', ARGV[1], '1')
end
local reply = {}
for worker, expired in pairs(gone) do
  reply[#reply + 1] = worker
  reply[#reply + 1] = expired
end
return reply
