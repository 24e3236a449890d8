-- Who holds how many streams, as the leases say it. A part of other scripts.

-- Keys of the leases, the claims, and the leases' clock. Returns how many each holder has whose lease is in force, and how
-- many streams have a lease that nobody has renewed in time.
local function held_streams(leases, claims, clock)
  local ended = (redis.call('GET', clock) or ''):match('^%d+ %d+ %d+ (%d+)') or '-inf'
  local ids = redis.call('ZRANGEBYSCORE', leases, '(' .. ended, '+inf')
  local holders = {}
  for first = 1, #ids, 1000 do
    for _, claim in ipairs(redis.call('HMGET', claims, unpack(ids, first, math.min(first + 999, #ids)))) do
      local holder = claim and claim:match('^%d+|[^|]+|%d+|(.*)/%d+$')
      if holder then
        holders[holder] = (holders[holder] or 0) + 1
      end
    end
  end
  return holders, redis.call('ZCARD', leases) - #ids
end

