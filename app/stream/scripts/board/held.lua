-- Who holds how many streams, as the leases say it. A part of other scripts.

-- Keys of the leases, the claims, and the leases' clock. Returns how many each holder has whose lease is in force, and how
-- many streams have a lease that nobody has renewed in time.
local function held_streams(leases, claims, clock)
  local ended = (redis.call('GET', clock) or ''):match('^%d+ %d+ %d+ (%d+)') or '-inf'
  local holders = {}
  local function count(found)
    for _, claim in ipairs(found) do
      local holder = claim and claim:match('^%d+|[^|]+|%d+|(.*)/%d+$')
      if holder then
        holders[holder] = (holders[holder] or 0) + 1
      end
    end
  end
  local all = redis.call('ZCARD', leases)
  local late = ended == '-inf' and 0 or redis.call('ZCOUNT', leases, '-inf', ended)
  -- Nobody who appends waits for less than this: where every claim has its lease, the claims are read as they lie.
  if late == 0 and redis.call('HLEN', claims) == all then
    count(redis.call('HVALS', claims))
    return holders, 0
  end
  local ids = redis.call('ZRANGEBYSCORE', leases, '(' .. ended, '+inf')
  for first = 1, #ids, 1000 do
    count(redis.call('HMGET', claims, unpack(ids, first, math.min(first + 999, #ids))))
  end
  return holders, late
end

