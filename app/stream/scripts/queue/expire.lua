-- Lets all leases of a worker expire now and takes it off the list; the next claim moves its streams to the queue. If it
-- was alive after all it renews them, or is fenced like anybody who lost a lease. Where all may have lost their connections
-- a moment ago, nothing is done.
--
-- KEYS  1 leases   2 claims   3 workers   4 the leases' clock
-- ARGV  1 worker   2 wake channel   3 life of the queue's keys in s
-- reply number of leases that expired
local _, _, _, all_back = lease_clock(KEYS[4], nil, ARGV[3])
if not all_back then
  return 0
end
redis.call('ZREM', KEYS[3], ARGV[1])
local expired = 0
local prefix = ARGV[1] .. '/'
local claims = redis.call('HGETALL', KEYS[2])
for i = 1, #claims, 2 do
  local holder = claims[i + 1]:match('^%d+|[^|]+|%d+|(.*)$')
  if holder and holder:sub(1, #prefix) == prefix then
    expired = expired + redis.call('ZADD', KEYS[1], 'XX', 'CH', 0, claims[i])
  end
end
if expired > 0 then
  redis.call('PUBLISH', ARGV[2], '1')
end
return expired
