-- The clock by which leases end: time in which they could be renewed. It goes on only as far as the queue's scripts were
-- seen to run, so that an outage, a refusal of all writes, or a step of the server's clock counts as next to nothing:
-- whoever lives finds his lease as good as it was. After one it stands still for a moment, until all could come back.
-- A part of other scripts, whose first lines it is.
local LEASE_GRACE_MS = 2500 -- all are back by then: their longest pause between two tries, and some time to connect
local LEASE_GAP_MS = 1500 -- a living worker is heard more often

-- `key` is the clock's, `lease` in ms, or nil for the one that was last named; `life` of the key in s.
-- Returns the time in ms, the clock in ms, up to which of its times leases have ended, and whether all may have come back.
local function lease_clock(key, lease, life)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  -- First, because a full Redis takes no script that begins with what may need room.
  redis.call('HDEL', key, 'none')
  local before = redis.call('HMGET', key, 'seen', 'clock', 'still', 'ended', 'lease')
  lease = tonumber(lease or before[5] or 0)
  local seen, clock, still, ended = tonumber(before[1]), tonumber(before[2]), tonumber(before[3]), tonumber(before[4])
  if not (seen and clock and still and ended) then
    seen, clock, still, ended = now, now, 0, now
  end
  local gap = now - seen
  still = math.min(still, now + LEASE_GRACE_MS) -- the clock may have been set back
  if now >= still then
    ended = clock -- what had ended before the outage has ended
    clock = clock + math.max(0, math.min(gap, math.max(lease / 6, 50)))
    if gap > math.max(lease / 3, LEASE_GAP_MS) then
      still = now + LEASE_GRACE_MS
    else
      ended = clock
    end
  end
  clock, ended = math.floor(clock), math.floor(ended)
  redis.call('HSET', key, 'seen', now, 'clock', clock, 'still', still, 'ended', ended, 'lease', lease)
  redis.call('EXPIRE', key, life)
  return now, clock, ended, now >= still
end

