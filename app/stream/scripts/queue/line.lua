-- The line: who waits, since when, and for how many of whose. The one place where a stream is put into the line or taken
-- out of it: what is counted here is counted by what Redis says that it did. A part of other scripts, behind
-- queue/turns.lua and queue/places.lua; their first six keys are the line's.
--
-- KEYS  1 jobs: who waits, by place   2 since: who waits, by when it was submitted, in ms
--       3 owners: how many wait in a tenant's name, its weight in thousandths, and the bytes that they take,
--         `<waiting>|<weight>|<bytes>`; `all`: `<weight>|<bytes>` of all names together
--       4 turns
--       5 of each job that is not done, as below; an older version's has the size alone
--       6 what the waiting ones take, see queue/submit.lua
local JOBS, SINCE, OWNERS, TURNS, RECORDS, BYTES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
-- `gate` is where it has waited at one, by its key, and `gate_place` the place that it had there, which it gets again. Names
-- are digests: of the tenant's, and of the owner's, which is a user's where there is one.
local LINE_FIELDS = {'size', 'name', 'weight', 'user', 'user_weight', 'since', 'gate', 'gate_place'}
-- Added to a time in µs it makes the place of one that waits at a gate: behind all others.
local LINE_BEHIND = 4000000000000000
local LINE_TOP = string.format('(%.0f', LINE_BEHIND)

local function line_record(id)
  local record, n = {}, 0
  for word in ((redis.call('HGET', RECORDS, id) or '') .. '|'):gmatch('([^|]*)|') do
    n = n + 1
    record[LINE_FIELDS[n] or ''] = word
  end
  return n == #LINE_FIELDS and record or nil
end

local function line_keep(id, record)
  local words = {}
  for n, field in ipairs(LINE_FIELDS) do
    words[n] = record[field]
  end
  redis.call('HSET', RECORDS, id, table.concat(words, '|'))
end

-- What is none is dropped by whoever meets it: who holds it could not even say its name, and would be given it for ever.
local function line_is_stream(id)
  return id:match('^[%w_:%-]+$') ~= nil
end

-- How many wait in a name, its weight, and the bytes that they take; and weight and bytes of all who wait.
local function line_of(name)
  local known = redis.call('HMGET', OWNERS, name, 'all')
  local waiting, weight, bytes = (known[1] or ''):match('^(%d+)|(%d+)|(%d+)$')
  local all, all_bytes = (known[2] or ''):match('^(%d+)|(%d+)$')
  return {
    waiting = tonumber(waiting or 0), weight = tonumber(weight or 0), bytes = tonumber(bytes or 0),
    all = tonumber(all or 0), all_bytes = tonumber(all_bytes or 0),
  }
end

-- The line's keys live on: renewed where they may be new, for nobody waited, and with each look who is overdue.
local function line_lives(life)
  for i = 1, 6 do
    redis.call('EXPIRE', KEYS[i], life)
  end
end

-- One more waits in a name, or one less; `weight` where it is a new one.
local function line_count(record, more, life, weight)
  local name, size, is = record.name, more * record.size, line_of(record.name)
  local alone, waiting = is.all == 0, is.waiting + more
  weight = weight or is.waiting > 0 and is.weight or record.weight
  local all, all_bytes = is.all - (is.waiting > 0 and is.weight or 0), is.all_bytes + size
  if waiting > 0 then
    all = all + weight
    redis.call('HSET', OWNERS, name, waiting .. '|' .. weight .. '|' .. turn_number(is.bytes + size))
  else
    redis.call('HDEL', OWNERS, name)
  end
  if all > 0 then
    redis.call('HSET', OWNERS, 'all', turn_number(all) .. '|' .. turn_number(all_bytes))
  else
    redis.call('DEL', OWNERS)
  end
  if alone then
    line_lives(life)
  end
end

-- Puts a new stream into the line.
local function line_join(id, record, life)
  if redis.call('ZCARD', JOBS) == 0 then -- what an older version took out of it was not counted
    redis.call('DEL', OWNERS, SINCE)
  end
  local place = place_join(JOBS, TURNS, LINE_TOP, id, record, life)
  line_keep(id, record)
  redis.call('ZADD', SINCE, record.since, id)
  if redis.call('ZADD', JOBS, place, id) == 1 then
    line_count(record, 1, life, record.weight)
  end
end

-- Puts one back that was taken out of it: to `place`, or elsewhere, where it waits for something; `first` is its place in
-- any case.
local function line_return(id, first, place, life)
  local record = line_record(id)
  redis.call('ZADD', SINCE, record and record.since or math.floor(first / 1000), id)
  if redis.call('ZADD', JOBS, place, id) == 1 and record then
    line_count(record, 1, life)
  elseif not record then
    line_lives(life)
  end
  redis.call('DEL', BYTES) -- counted anew, see submit.lua
end

-- Gives one that waits a place of its own; false for one that does not wait.
local function line_move(id, place)
  return redis.call('ZSCORE', JOBS, id) and redis.call('ZADD', JOBS, 'XX', place, id) and true
end

-- It is taken although its turn at its gate has not come: it waits there no longer.
local function line_leave_gate(id, record)
  local line = record.gate .. ':line'
  if tonumber(redis.call('ZSCORE', line, id) or 0) > 0 then
    place_give_up(line, record.gate .. ':turns', id, record)
    redis.call('ZREM', line, id)
    place_free(places_of(line, record.name), id)
  end
end

-- Takes one out of it. `turn`: its turn has come; `record` where that is known.
local function line_leave(id, life, turn, record)
  record = record or line_record(id)
  if record and not turn then
    place_give_up(JOBS, TURNS, id, record)
  end
  if record and record.gate ~= '' then
    line_leave_gate(id, record)
  end
  redis.call('ZREM', SINCE, id)
  local left = redis.call('ZREM', JOBS, id)
  if record then
    place_free(places_of(JOBS, record.name), id)
  end
  if record and left == 1 then
    line_count(record, -1, life)
  end
end

-- Whether somebody waits in it whose turn comes next.
local function line_waits()
  return redis.call('ZRANGE', JOBS, '(0', LINE_TOP, 'BYSCORE', 'LIMIT', 0, 1)[1] ~= nil
end

-- Takes the first out of it, unless there is none: its id, and the place that it had.
local function line_next(life)
  local first = redis.call('ZRANGE', JOBS, '-inf', LINE_TOP, 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
  if not first[1] then
    return nil
  end
  local record = line_record(first[1])
  local id, turn = place_reached(JOBS, first[1], first[2], record, life)
  if line_is_stream(id) then
    turn_taken(TURNS, first[2], life)
  end
  line_leave(id, life, turn, id == first[1] and record or nil)
  return id, first[2]
end

