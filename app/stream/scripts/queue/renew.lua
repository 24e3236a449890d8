-- Renews a worker's leases and its place in the list of the living. A lease that expired and that nobody took is taken
-- back; one that somebody else claimed is refused.
--
-- KEYS  1 to 6 the line, see line.lua   7 leases   8 claims   9 workers   10 the leases' clock
-- ARGV  1 worker   2 lease in ms   3 life of the queue's keys in s   4 age in ms at which a worker is forgotten
--       5.. id, fence, holder, …
-- reply {refused id, …}
-- A full Redis lets this through, as the clock begins with what needs no room: without it the leases of the living
-- would go to whoever claims.
local now, clock = lease_clock(KEYS[10], ARGV[2], ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[9], '-inf', now - ARGV[4])
redis.call('ZADD', KEYS[9], now, ARGV[1])
redis.call('EXPIRE', KEYS[9], ARGV[3])
local refused = {}
for i = 5, #ARGV, 3 do
  local id = ARGV[i]
  local claim = redis.call('HGET', KEYS[8], id)
  if claim and claim:match('^%d+|[^|]+|(.*)$') == ARGV[i + 1] .. '|' .. ARGV[i + 2] then
    if not redis.call('ZSCORE', KEYS[7], id) then -- what has its lease is not in the line: nearly all of them
      line_leave(id, ARGV[3])
    end
    redis.call('ZADD', KEYS[7], clock + ARGV[2], id)
  else
    refused[#refused + 1] = id
  end
end
-- Where the last lease had expired, the first that is taken back begins them anew, and without a life.
redis.call('EXPIRE', KEYS[7], ARGV[3])
return refused
