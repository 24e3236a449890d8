-- A model's gate: who may call now. Everybody tells here what the upstream took and refused, and asks for turns; those
-- that wait in the line because of it are put back to their places, at its head, when it is their turn.
--
-- KEYS  1 to 6 the line, see queue/line.lua   7 the gate's state   8 who waits at it: id, and its place there; negative for
--       one whose turn was given   9 the turns of those, see queue/turns.lua   10 claims   11 stands while any model is held
--       12 the models that have lines
-- ARGV  1 calls taken   2 how long a refusal asks to wait in ms, 0 if it does not say, -1 if nothing was refused
--       3 era of the refused call   4 calls that wait with who asks   5 streams that it could take from the line
--       6 limits, JSON: [[name, limit, remaining, ms to its reset], …]   7 life of the state in s   8 wake channel
--       9 life of the lines in s   10 who asks   11 how many of its calls are without an answer
--       12 the model
-- reply {turns given to who asks, ms until there may be another, how many wait in the line, the rate in calls per
--        1000 s or 0, era}
local GATE_UNUSED_MS = 5000 -- a turn that nobody took in this time is lost
local GATE_TIGHT = 25 -- with fewer calls left than this, all ask before each
local GATE_SAID_MS = 30000 -- what a worker said of its calls counts for so long: it may have died in them

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local waiting, room = tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[8], -(now - GATE_UNUSED_MS), '(0')
redis.call('ZREMRANGEBYSCORE', KEYS[8], '-inf', -(now + GATE_UNUSED_MS)) -- the clock was set back since
local line = redis.call('ZCOUNT', KEYS[8], 0, '+inf')
local placed = redis.call('ZCOUNT', KEYS[8], '-inf', '(0')
room = math.min(line, math.max(0, room - placed))

local found = redis.call('GET', KEYS[7])
local gate = found and cjson.decode(found) or {}

-- Counted anew each time, so that no turn that was given and never used is missed for ever.
gate.calls = gate.calls or {}
gate.calls[ARGV[10]] = {tonumber(ARGV[11]), now}
local open = placed
for worker, said in pairs(gate.calls) do
  if now - said[2] > GATE_SAID_MS then
    gate.calls[worker] = nil
  else
    open = open + said[1]
  end
end

local may, wait = gate_law(gate, now, {
  taken = tonumber(ARGV[1]), refused_ms = tonumber(ARGV[2]), era = tonumber(ARGV[3]),
  waiting = waiting + room, line = line, limits = cjson.decode(ARGV[6]), open = open,
})

local put, most = 0, math.min(room, may)
for _ = 1, 2 * most do
  local first = redis.call('ZRANGE', KEYS[8], 0, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
  if put == most or not first[1] then
    break
  end
  local record = line_record(first[1])
  local id = place_reached(KEYS[8], first[1], first[2], record, ARGV[9])
  local claim = redis.call('HGET', KEYS[10], id)
  if line_move(id, claim and claim:match('^%d+|([^|]+)|') or first[2]) then
    redis.call('ZADD', KEYS[8], -now, id)
    turn_taken(KEYS[9], first[2], ARGV[9])
    record = line_record(id)
    if record then
      record.gate_place = first[2] -- should it have to come back
      line_keep(id, record)
    end
    put = put + 1
  else
    redis.call('ZREM', KEYS[8], id) -- cancelled, or held by somebody
  end
  if record then
    place_free(places_of(KEYS[8], record.name), id)
  end
  line = line - 1
end
if line == 0 then
  redis.call('SREM', KEYS[12], ARGV[12])
end
if put > 0 then
  redis.call('EXPIRE', KEYS[8], ARGV[9])
  redis.call('PUBLISH', ARGV[8], '1')
end
local given = math.min(waiting, may - put)
gate_return(gate, may - put - given)
gate.calls[ARGV[10]][1] = ARGV[11] + given

local tight = gate.era > 1 or gate.hold > now
for _, known in pairs(gate.limits) do
  tight = tight or (known.cost > 0 and known.left / known.cost < GATE_TIGHT)
end
if tight then
  redis.call('SET', KEYS[11], '1', 'EX', ARGV[7])
end
if next(gate.limits) == nil then
  gate.limits = nil -- an empty one would come back as a list
end
redis.call('SET', KEYS[7], cjson.encode(gate), 'EX', ARGV[7])
return {given, wait, line, math.floor((gate.rate or 0) * 1000), gate.era}
