-- Whose turn is when: places in a line, so that those who wait in it take turns by their weights (start-time fair
-- queueing). Places are points of a time of the line's own, in whole numbers that a double holds; it goes on with each
-- turn that is taken, and is never behind the server's clock where nobody waits.
-- A part of other scripts: one line is that of the jobs, others stand at the gates.
--
-- A line's turns are a sorted set: `at`, the place that was taken last; `newest`, that of the newest who began there; and
-- by the name of each in turn the place that its next one gets. Whom the line has overtaken begins anew, and is dropped.
local TURN_STEP = 100000 -- from one place of a name to its next, at weight 1; a name that has none begins behind `newest`
local TURN_WEIGHT = 1000 -- weight 1: weights come in thousandths

local function turn_step(weight)
  return math.max(1, math.floor(TURN_STEP * TURN_WEIGHT / weight))
end

-- The next place of `name` in the line `line` with the turns `turns`; places from `top` on are no places in it.
local function turn_place(turns, line, top, name, weight, life)
  local known = redis.call('ZMSCORE', turns, 'at', 'newest', name)
  local at, newest, place = tonumber(known[1] or 0), tonumber(known[2] or 0), tonumber(known[3] or 0)
  local first = redis.call('ZRANGE', line, '(0', top, 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')[2]
  if not first then -- all begin anew
    local time = redis.call('TIME')
    at, newest, place = math.max(at, time[1] * 1000000 + time[2]), 0, 0
    redis.call('DEL', turns)
  elseif not known[1] then -- a line that began under a version without turns
    at = tonumber(first)
  end
  if place <= at then
    place = math.max(at, newest) + 1
    newest = place
  end
  redis.call('ZADD', turns, string.format('%.0f', at), 'at', string.format('%.0f', newest), 'newest',
    string.format('%.0f', place + turn_step(weight)), name)
  redis.call('EXPIRE', turns, life)
  return string.format('%.0f', place)
end

-- A turn was taken: the place of the last of those that were.
local function turn_taken(turns, place, life)
  local at = tonumber(redis.call('ZSCORE', turns, 'at') or 0)
  if tonumber(place) >= at then
    at = tonumber(place)
    redis.call('ZADD', turns, string.format('%.0f', at), 'at')
    redis.call('ZREMRANGEBYSCORE', turns, '-inf', string.format('(%.0f', at))
    redis.call('EXPIRE', turns, life)
  end
end

-- Nobody of this name waits any more. Where that is because they left, it has one turn at the most behind it.
local function turn_over(turns, name, weight)
  local place = redis.call('ZSCORE', turns, name)
  if place then
    local most = tonumber(redis.call('ZSCORE', turns, 'at') or 0) + turn_step(weight)
    if tonumber(place) > most then
      redis.call('ZADD', turns, string.format('%.0f', most), name)
    end
  end
end

