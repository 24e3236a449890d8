-- What happens, counted in steps of ten seconds: a hash for each, kept for a little more than a quarter of an hour. A part
-- of other scripts. Counts are whole numbers; a field is a word of ours.
local STEP_SECONDS = 10
local STEP_LIFE = 960
local DAY_LIFE = 172800 -- of what is summed up over a day of UTC: until the next one is over

-- The key of the step of a time in s.
local function step_at(prefix, seconds)
  return prefix .. math.floor(seconds / STEP_SECONDS)
end

-- Nothing here may fail, whatever a stream did use: it has left the line by then. So sums are doubles, as those of usage are.
local function step_add(key, field, count)
  local sum = tonumber(redis.call('HGET', key, field) or '0') + tonumber(count)
  redis.call('HSET', key, field, string.format('%.0f', sum))
end

-- A stream has ended: `counts` as in queue/usage.lua, or '' where nothing was used.
local function step_ended(steps, days, outcome, counts)
  local seconds = redis.call('TIME')[1]
  if outcome ~= '' then
    local step = step_at(steps, seconds)
    step_add(step, 'ended:' .. outcome, 1)
    redis.call('EXPIRE', step, STEP_LIFE)
  end
  local nano, saved = counts:match('(%d+) (%d+)$')
  if nano then
    local day = days .. math.floor(seconds / 86400)
    step_add(day, 'nano', nano)
    step_add(day, 'saved', saved)
    redis.call('EXPIRE', day, DAY_LIFE)
  end
end

