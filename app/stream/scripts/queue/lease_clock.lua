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
  -- A write that needs no room: a full Redis takes no script that begins with another.
  local before = redis.call('GETEX', key, 'EX', life) or ''
  local seen, clock, still, ended, last = before:match('^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  seen, clock, still, ended = tonumber(seen or now), tonumber(clock or now), tonumber(still or 0), tonumber(ended or now)
  lease = tonumber(lease or last or 0)
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
  redis.call('SET', key, string.format('%d %d %d %d %d', now, clock, still, ended, lease), 'EX', life)
  return now, clock, ended, now >= still
end

