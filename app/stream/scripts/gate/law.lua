-- What a model's gate lets through: a pure function of what was told before, of the time, and of what is told now.
-- A part of gate.lua, which keeps the state. Needs gate/rate.lua.
--
-- Three things say how many calls may go, and the least of them counts:
--   credit   while nothing is known, and after a hold: a few calls, and more with each that the upstream took
--   tokens   once the upstream has refused: the rate that gate/rate.lua finds out, creeping up
--   left     what its headers say is left of each of its limits, and how fast that comes back
local GATE_CREDIT = 8 -- calls that go at once where nothing is known
local GATE_GROWTH = 1.75 -- more for each that is taken
local GATE_SILENT_MS = 300 -- without any answer for so long it is silence: a refusal may take a while
local GATE_RETURN, GATE_RETURN_MS = 8, 700 -- in so much silence so many come back; as many as had gone, if those are more
local GATE_LUMP_MS = 250 -- not more comes back at once to who stood still, and has not read the answers that came
local GATE_HOLD_MS, GATE_HOLD_MS_MAX = 250, 8000 -- where a refusal does not say how long; doubling
local GATE_DEPTH, GATE_DEPTH_OF_BUCKET = 0.25, 0.4 -- what may go at once: seconds of the rate, a part of the bucket

-- Turns that were given and that nobody takes.
local function gate_return(gate, turns)
  gate.credit = gate.credit + turns
  gate.tokens = gate.rate > 0 and gate.tokens + turns or 0
end

-- `told`: taken (calls that the upstream took), refused_ms (how long a refusal asks to wait, -1 for none, 0 where it does
-- not say), era (of the refused call), waiting (calls that would go), line (streams in the line), limits {{name, limit,
-- remaining, reset in ms}, …}, open (calls under way, which those limits may not know of yet).
-- Returns the calls that may go now, of `waiting`, and the ms until another one may. Changes `gate`.
local function gate_law(gate, now, told)
  local back = (gate.at or now) - now
  if back > 0 then -- the clock was set back: what was to come is as far away as it was
    gate.hold, gate.heard = gate.hold - back, gate.heard - back
    gate_rate_back(gate, back)
    for _, known in pairs(gate.limits or {}) do
      known.at, known.until_ = known.at - back, known.until_ and known.until_ - back
    end
  end
  local dt = math.max(0, -back) / 1000
  gate.at = now
  gate.era = gate.era or 1
  gate.credit = gate.credit or GATE_CREDIT
  gate.rate = gate.rate or 0
  gate.tokens = gate.tokens or 0
  gate.hold = gate.hold or 0
  gate.fails = gate.fails or 0
  gate.limits = gate.limits or {}
  gate.given = gate.given or 0
  gate.heard = gate.heard or now
  gate.silences = gate.silences or 0
  gate_rate_begin(gate, now)
  local returns = math.max(0.2, math.min(gate.rate, 1)) / 1000
  if gate.era == 1 then
    if now - gate.heard >= gate.silences * GATE_RETURN_MS + GATE_SILENT_MS then
      gate.silences, gate.before = gate.silences + 1, math.max(GATE_RETURN, gate.given)
    end
    returns = gate.silences > 0 and gate.before / GATE_RETURN_MS or 0
  end

  -- time goes on
  gate_rate_goes_on(gate, now, dt)
  if gate.rate > 0 then
    local depth = math.min(gate.rate * GATE_DEPTH, gate_bucket(gate, gate.rate) * GATE_DEPTH_OF_BUCKET)
    gate.tokens = math.min(gate.tokens + gate.rate * dt, math.max(1, depth))
  end
  if now >= gate.hold and gate.credit < GATE_CREDIT then
    gate.credit = math.min(gate.credit + returns * math.min(dt * 1000, GATE_LUMP_MS), GATE_CREDIT)
  end

  -- what the upstream took
  if told.taken > 0 then
    gate.credit = math.min(gate.credit + GATE_GROWTH * told.taken, 1000000)
    gate.fails = 0
    gate.heard, gate.silences = now, 0
    gate_rate_taken(gate, now, told.taken)
  end

  -- what it says is left
  for _, limit in ipairs(told.limits) do
    local name, most, left, reset = limit[1], limit[2], limit[3], math.max(limit[4], 1)
    local known = gate.limits[name] or {cost = name == 'requests' and 1 or 0}
    if known.left and told.taken > 0 and name ~= 'requests' then
      local refilled = math.min(known.seen + known.fill * (now - known.at), most)
      known.cost = known.cost * 0.7 + 0.3 * math.max(0, refilled - left) / told.taken
    end
    known.seen, known.at, known.fill, known.most = left, now, (most - left) / reset, most
    known.left = left - known.cost * told.open
    gate.limits[name] = known
    if left <= 0 and gate.rate == 0 then -- used up; and what it lets through in the meantime is not known yet
      gate.hold = math.max(gate.hold, now + reset)
      known.left = most -- by then
      known.until_ = now + reset
    end
  end

  -- what it refused
  if told.refused_ms >= 0 then
    if told.era >= gate.era or gate.era == 1 then -- the first calls of all go without asking
      local waited = told.refused_ms
      if waited == 0 then
        waited = math.min(GATE_HOLD_MS * 2 ^ math.min(gate.fails, 6), GATE_HOLD_MS_MAX)
      end
      gate_rate_refused(gate, now)
      gate.era = gate.era + 1
      gate.fails = gate.fails + 1
      gate.credit, gate.tokens = 1, 0
      gate.hold = math.max(gate.hold, now + waited)
    elseif told.refused_ms > 0 then
      gate.hold = math.max(gate.hold, now + told.refused_ms)
    end
  end

  -- who may go
  local bounds = {{gate.credit, returns}}
  if gate.rate > 0 then
    bounds[2] = {gate.tokens, gate.rate / 1000}
  end
  for _, known in pairs(gate.limits) do
    if known.cost > 0 then
      if known.until_ and now >= known.until_ then
        known.until_, known.at = nil, now
      end
      local level = known.left
      if not known.until_ then
        level = math.min(known.left + known.fill * (now - known.at), known.most)
      end
      bounds[#bounds + 1] = {level / known.cost, known.fill / known.cost}
    end
  end
  local may = now < gate.hold and 0 or told.waiting
  for _, bound in ipairs(bounds) do
    may = math.max(0, math.min(may, math.floor(bound[1])))
  end
  local wait = math.max(0, gate.hold - now)
  for _, bound in ipairs(bounds) do
    local missing = may + 1 - bound[1]
    if missing > 0 then
      wait = math.max(wait, bound[2] > 0 and missing / bound[2] or 1000)
    end
  end
  gate.wanted = math.max(told.waiting, told.line or 0) > may
  gate.credit = gate.credit - may
  gate.given = gate.era == 1 and gate.given + may or 0
  gate.tokens = gate.rate > 0 and gate.tokens - may or 0
  for _, known in pairs(gate.limits) do
    known.left = known.left and known.left - known.cost * may
  end
  return may, math.ceil(math.max(wait, 1))
end

