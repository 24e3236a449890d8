-- How many calls a second an upstream takes, found out from those that it took and refused: a part of gate/law.lua.
--
-- It is taken to have a bucket, of a size and with a rate that nobody tells. Until it first refuses there is no rate.
-- Then one is guessed and rises fast until it refuses again, and from then on the rate is that which explains what it
-- took between two refusals. That rate creeps up, slowly at first: the limit may have risen, or others use less of it.
local RATE_FACTOR = 0.93 -- of what is found
local RATE_FLOOR, RATE_FLOOR_SOON = 0.3, 0.6 -- of the rate, at the least, after a refusal; and after one that came soon:
local RATE_SOON_MS = 2000 -- it tells more of the bucket than of the rate
local RATE_GUESS_CALLS, RATE_GUESS_MS = 3, 1000 -- before anything is known: so many calls at least, and what was saved up
local RATE_SEARCH = 0.5 -- of the rate in a second, from the guess on
local RATE_CREEP, RATE_CREEP_MORE, RATE_CREEP_MAX = 0.005, 0.015, 0.25 -- likewise, later on; the longer no refusal, the more
local RATE_QUIET_MS = 8000 -- after a refusal it creeps as slowly for so long
local RATE_HELD_MS = 1000 -- the longer than this a refusal holds all, the slower it creeps
local RATE_WINDOW_MS = 10000 -- before the first refusal only the last of what was taken counts
local RATE_MARKS, RATE_MARK_MS, RATE_PAIR_MS = 24, 100, 300 -- marks that are kept, and how far they are from each other

local function gate_rate_begin(gate, now)
  gate.first = gate.first or 0 -- calls that were taken before the first refusal, since `began`, in `first_ms`
  gate.first_ms = gate.first_ms or 0
  gate.count = gate.count or 0 -- those since the last one, at `refused`; and at what time how many, in `marks`
  gate.marks = gate.marks or {}
  gate.refused = gate.refused or now
  gate.last = gate.last or now -- when the last one was taken
end

-- The clock was set back by so much.
local function gate_rate_back(gate, ms)
  gate.refused, gate.last, gate.began = gate.refused - ms, gate.last - ms, gate.began and gate.began - ms
  for _, mark in ipairs(gate.marks) do
    mark[1] = mark[1] - ms
  end
end

-- How much the bucket holds where `rate` flows into it: what was taken at first, but for what had flowed in until then.
local function gate_bucket(gate, rate)
  return math.max(1, gate.first - rate * gate.first_ms / 1000)
end

local function gate_rate_guess(gate)
  return math.max(gate.first, RATE_GUESS_CALLS) * 1000 / (gate.first_ms + RATE_GUESS_MS)
end

-- Time goes on: `dt` seconds.
local function gate_rate_goes_on(gate, now, dt)
  if gate.rate == 0 then
    if gate.began and now - gate.began > RATE_WINDOW_MS then
      gate.began, gate.count = now - RATE_WINDOW_MS / 2, gate.count / 2
    end
  elseif gate.wanted and now >= gate.hold then
    local quiet = math.max(0, now - gate.refused - RATE_QUIET_MS) / 1000
    local creep = math.min(RATE_CREEP + RATE_CREEP_MORE * quiet, RATE_CREEP_MAX)
    creep = gate.era == 2 and math.max(creep, RATE_SEARCH) or creep
    creep = creep * math.min(1, RATE_HELD_MS / math.max(gate.hold - gate.refused, 1))
    gate.rate = gate.rate * (1 + creep * math.min(dt, 1))
  end
end

local function gate_rate_taken(gate, now, calls)
  gate.last = now
  gate.began = gate.began or now
  if now >= gate.hold then
    gate.count = gate.count + calls
    local newest = gate.marks[#gate.marks]
    if not newest or now - newest[1] >= RATE_MARK_MS then
      gate.marks[#gate.marks + 1] = {now, gate.count}
    end
    if #gate.marks >= RATE_MARKS then -- the older the fewer
      local kept = {}
      for i, mark in ipairs(gate.marks) do
        if i > RATE_MARKS / 2 or i % 2 == 1 then
          kept[#kept + 1] = mark
        end
      end
      gate.marks = kept
    end
  elseif gate.era == 2 then -- they had gone before the refusal
    gate.first = gate.first + calls
    gate.rate = gate_rate_guess(gate)
  end
end

-- Whether a bucket with this rate can have taken what was taken since the last refusal, when it was empty: what it took
-- between two marks had flowed in, or had been saved up when it had given the first of them.
local function gate_rate_explains(gate, rate)
  if gate.count > 1 + rate * (gate.last - gate.refused) / 1000 then
    return false
  end
  local saved = gate_bucket(gate, rate) - 1
  for i, from in ipairs(gate.marks) do
    for j = i + 1, #gate.marks do
      local to = gate.marks[j]
      local passed = to[1] - from[1]
      if passed >= RATE_PAIR_MS and to[2] - from[2] > saved + rate * passed / 1000 then
        return false
      end
    end
  end
  return true
end

-- A call of now was refused. To be told once for those that went together, before the hold that comes of it.
local function gate_rate_refused(gate, now)
  if gate.rate == 0 then
    gate.first, gate.first_ms = gate.count, gate.began and now - gate.began or 0
    gate.rate = gate_rate_guess(gate)
  else
    local low, high = 0, gate.rate -- the lowest that explains it
    for _ = 1, 12 do
      local rate = (low + high) / 2
      if gate_rate_explains(gate, rate) then
        high = rate
      else
        low = rate
      end
    end
    local least = now - gate.hold > RATE_SOON_MS and RATE_FLOOR or RATE_FLOOR_SOON
    gate.rate = math.max(high * RATE_FACTOR, gate.rate * least)
  end
  gate.refused, gate.count, gate.marks = now, 0, {}
end

