-- Whose turn is when: places in a line, so that those who wait in it take turns by their weights (start-time fair
-- queueing). Places are points of a time of the line's own, in whole numbers that a double holds; it goes on with each
-- turn that is taken, and where nobody waits all begin anew, by the server's clock. A part of other scripts.
--
-- A line is a sorted set: who waits, by place. Its turns are another: `at`, the place that was taken last; `newest`, that
-- of the newest who began there; and by the name of each the place that its next one gets. Who is behind `at` begins there
-- again, and is dropped.
local TURN_STEP = 100000 -- from one place of a name to its next, at weight 1; a name that has none begins behind `newest`
local TURN_WEIGHT = 1000 -- weight 1: weights come in thousandths
-- Below the places of who waits at a gate. A line that was never empty for years comes to it: then no turn is before another,
-- until nobody waits.
local TURN_LAST = 3500000000000000

local function turn_number(place)
  return string.format('%.0f', place)
end

-- The next place of `name`, and whether nobody was in the line; places from `top` on are no places in it.
local function turn_place(turns, line, top, name, weight, life)
  local known = redis.call('ZMSCORE', turns, 'at', 'newest', name)
  local at, newest, place = tonumber(known[1] or 0), tonumber(known[2] or 0), tonumber(known[3] or 0)
  local first = redis.call('ZRANGE', line, '(0', top, 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')[2]
  if not first then
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    at, newest, place = at < TURN_LAST and math.max(at, now) or now, 0, 0
    redis.call('DEL', turns)
  elseif not known[1] then -- a line that began under a version without turns
    at = tonumber(first)
  end
  if place <= at then
    place = math.max(at, newest) + 1
    newest = place
  end
  place = math.min(place, TURN_LAST)
  local step = math.max(1, math.floor(TURN_STEP * TURN_WEIGHT / weight))
  redis.call('ZADD', turns, turn_number(at), 'at', turn_number(newest), 'newest', turn_number(place + step), name)
  if not first or not known[1] then
    redis.call('EXPIRE', turns, life)
  end
  return turn_number(place), not first
end

-- A place was taken when its turn had come.
local function turn_taken(turns, place, life)
  local at = redis.call('ZSCORE', turns, 'at')
  if tonumber(place) >= tonumber(at or 0) then
    redis.call('ZADD', turns, place, 'at')
    redis.call('ZREMRANGEBYSCORE', turns, '-inf', '(' .. place)
  end
  if not at then
    redis.call('EXPIRE', turns, life)
  end
end

