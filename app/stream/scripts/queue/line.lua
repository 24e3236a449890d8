-- The line: who waits, since when, and for how many of whose. The one place where a stream is put into the line or taken
-- out of it: what is counted here is counted by what Redis says that it did. A part of other scripts, whose first six keys
-- are those of the line. Needs queue/turns.lua.
--
-- KEYS  1 jobs: who waits, by place   2 since: who waits, by when it was submitted, in ms
--       3 owners: how many of a name wait, and its weight in thousandths, `<waiting>|<weight>`; `all`: the weights of
--         those who wait, together
--       4 turns, see queue/turns.lua
--       5 of each job that is not done `<size>|<name>|<weight>|<submitted at, in ms>|<place at its gate>`; the size alone,
--         or nothing, where an older version has put it there
--       6 what the waiting ones take, see queue/submit.lua
local JOBS, SINCE, OWNERS, TURNS, RECORDS, BYTES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
-- Added to a time in µs it makes the place of one that waits at a gate: behind all others.
local LINE_BEHIND = 4000000000000000
local LINE_TOP = string.format('(%.0f', LINE_BEHIND)

local function line_record(id)
  local record = redis.call('HGET', RECORDS, id)
  local size, name, weight, since, gate = (record or ''):match('^(%d+)|(%x+)|(%d+)|(%d+)|(%d*)$')
  return name and {size = size, name = name, weight = tonumber(weight), since = since, gate = gate} or nil
end

local function line_keep(id, record, life)
  redis.call('HSET', RECORDS, id, table.concat({record.size, record.name, record.weight, record.since, record.gate}, '|'))
  redis.call('EXPIRE', RECORDS, life)
end

-- What is none is dropped by whoever meets it: who holds it could not even say its name, and would be given it for ever.
local function line_is_stream(id)
  return id:match('^[%w_:%-]+$') ~= nil
end

-- How many of a name wait, its weight, and the weight of all who wait.
local function line_of(name)
  local known = redis.call('HMGET', OWNERS, name, 'all')
  local waiting, weight = (known[1] or '0|0'):match('^(%d+)|(%d+)$')
  return tonumber(waiting), tonumber(weight), tonumber(known[2] or 0)
end

local function line_count(name, more, weight, life)
  local waiting, weighs, all = line_of(name)
  all = all - (waiting > 0 and weighs or 0)
  waiting = waiting + more
  if waiting > 0 then
    redis.call('HSET', OWNERS, name, waiting .. '|' .. weight, 'all', string.format('%.0f', all + weight))
    redis.call('EXPIRE', OWNERS, life)
    return
  end
  redis.call('HDEL', OWNERS, name)
  if all > 0 then
    redis.call('HSET', OWNERS, 'all', string.format('%.0f', all))
  else
    redis.call('DEL', OWNERS)
  end
  turn_over(TURNS, name, weight)
end

-- Puts a new stream into the line.
local function line_join(id, record, life)
  if redis.call('ZCARD', JOBS) == 0 then -- what an older version took out of it was not counted
    redis.call('DEL', OWNERS, SINCE)
  end
  local place = turn_place(TURNS, JOBS, LINE_TOP, record.name, record.weight, life)
  line_keep(id, record, life)
  redis.call('ZADD', SINCE, record.since, id)
  redis.call('EXPIRE', SINCE, life)
  if redis.call('ZADD', JOBS, place, id) == 1 then
    line_count(record.name, 1, record.weight, life)
  end
  redis.call('EXPIRE', JOBS, life)
end

-- Puts one back that was taken out of it: at `place`, or elsewhere, where it waits for something; `first` is its place in
-- any case.
local function line_return(id, first, place, life)
  local record = line_record(id)
  redis.call('ZADD', SINCE, record and record.since or math.floor(first / 1000), id)
  redis.call('EXPIRE', SINCE, life)
  if redis.call('ZADD', JOBS, place, id) == 1 and record then
    local waiting, weighs = line_of(record.name)
    line_count(record.name, 1, waiting > 0 and weighs or record.weight, life)
  end
  redis.call('EXPIRE', JOBS, life)
  redis.call('DEL', BYTES) -- counted anew, see submit.lua
end

-- Gives one that waits another place; false for one that does not.
local function line_move(id, place)
  return redis.call('ZSCORE', JOBS, id) and redis.call('ZADD', JOBS, 'XX', place, id) and true
end

-- Takes one out of it.
local function line_leave(id, life)
  redis.call('ZREM', SINCE, id)
  if redis.call('ZREM', JOBS, id) == 1 then
    local record = line_record(id)
    if record then
      local _, weighs = line_of(record.name)
      line_count(record.name, -1, weighs, life)
    end
  end
end

