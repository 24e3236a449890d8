-- Leases that have ended: their streams go back into the line, to their own places. A part of other scripts; needs
-- queue/line.lua.

-- `leases` and `claims` are keys; up to which of the times of their clock leases have ended; how many at most. Returns how
-- many there were: nobody else is told of them.
local function put_back_expired(leases, claims, ended, most, life)
  local found = redis.call('ZRANGEBYSCORE', leases, '-inf', ended, 'LIMIT', 0, most)
  for _, id in ipairs(found) do
    local claim = redis.call('HGET', claims, id)
    local place = claim and claim:match('^%d+|([^|]+)|')
    if not place then
      local time = redis.call('TIME')
      place = string.format('%.0f', time[1] * 1000000 + time[2])
    end
    redis.call('ZREM', leases, id)
    line_return(id, place, place, life)
  end
  return #found
end

