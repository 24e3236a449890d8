-- Which of the listed workers nobody hears: their connection is gone, so they may be dead. None is said to be where
-- all may have lost theirs a moment ago.
--
-- KEYS  1 workers   2 leases   3 the leases' clock
-- ARGV  1 prefix of a worker's own channel   2 the worker that asks
--       3 life of the queue's keys in s
-- reply {number of leases, absent worker, …}
local leases = redis.call('ZCARD', KEYS[2])
if leases == 0 then
  return {0}
end
local _, _, _, all_back = lease_clock(KEYS[3], nil, ARGV[3])
if not all_back then
  return {leases}
end
local names, channels = {}, {}
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if name ~= ARGV[2] then
    names[#names + 1] = name
    channels[#channels + 1] = ARGV[1] .. name
  end
end
local reply = {leases}
if #names > 0 then
  local counts = redis.call('PUBSUB', 'NUMSUB', unpack(channels))
  for i, name in ipairs(names) do
    if tonumber(counts[2 * i]) == 0 then
      reply[#reply + 1] = name
    end
  end
end
return reply
