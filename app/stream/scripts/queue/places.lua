-- Who has which place in a line: turns are a tenant's, and at its places its users take turns in the same way. A part of
-- other scripts, behind queue/turns.lua.
--
-- Those who wait in a tenant's name hold its places for one another: who is next of them goes when the first of their
-- places is reached, whoever holds it, and they change. So nobody has to move when one comes who goes before others.
-- Beside a line, for each name in it:
--
--   <line>:<name>:ids      who waits so, in the order of the users' turns
--   <line>:<name>:places   the same, by the places that they hold
--   <line>:<name>:turns    the users' turns
--
-- Who had a turn and comes back has a place of its own, and is in none of these. Were they lost, all would have their own.

local function places_of(line, name)
  local key = line .. ':' .. name
  return {ids = key .. ':ids', places = key .. ':places', turns = key .. ':turns'}
end

local function same(one, other)
  return one and other and tonumber(one) == tonumber(other)
end

-- Holds no place for the others any more.
local function place_free(own, id)
  redis.call('ZREM', own.places, id)
  if redis.call('ZREM', own.ids, id) == 1 and redis.call('EXISTS', own.ids) == 0 then
    redis.call('DEL', own.turns)
  end
end

-- The place of one that joins the line.
local function place_join(line, turns, top, id, record, life)
  local own = places_of(line, record.name)
  local place = turn_place(turns, line, top, record.name, record.weight, life)
  local among, fresh = turn_place(own.turns, own.ids, '+inf', record.user, record.user_weight, life)
  redis.call('ZADD', own.ids, among, id)
  redis.call('ZADD', own.places, place, id)
  if fresh then
    redis.call('EXPIRE', own.ids, life)
    redis.call('EXPIRE', own.places, life)
  end
  return place
end

-- `place` is reached, which `id` holds: who takes it, and holds it then. False with it: it is `id`, whose own place this is.
local function place_reached(line, id, place, record, life)
  local own = record and places_of(line, record.name)
  if not own or not same(redis.call('ZSCORE', own.places, id), place) then
    return id, false
  end
  while true do
    local next = redis.call('ZRANGE', own.ids, 0, 0, 'WITHSCORES')
    if not next[1] then
      return id, false
    end
    local held = next[1] == id and place or redis.call('ZSCORE', own.places, next[1])
    if next[1] ~= id and same(redis.call('ZSCORE', line, next[1]), held) then
      redis.call('ZADD', line, held, id, place, next[1])
      redis.call('ZADD', own.places, held, id, place, next[1])
      held = place
    end
    if held == place then
      turn_taken(own.turns, next[2], life)
      return next[1], true
    end
    place_free(own, next[1]) -- an older version has taken it, or whoever cancelled it
  end
end

-- `id` leaves without a turn: of the places of its name the last is given up, and the others hold those before it.
local function place_give_up(line, turns, id, record)
  local own = places_of(line, record.name)
  local place = redis.call('ZSCORE', own.places, id)
  local last = place and redis.call('ZRANGE', own.places, -1, -1, 'WITHSCORES')
  if place and last[1] ~= id then
    if same(redis.call('ZSCORE', line, last[1]), last[2]) then
      redis.call('ZADD', line, place, last[1])
    end
    redis.call('ZADD', own.places, place, last[1])
  end
  if place then
    redis.call('ZADD', turns, 'XX', last[2], record.name)
  end
end

