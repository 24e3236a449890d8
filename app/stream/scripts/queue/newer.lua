-- Streams of a newer version than the worker that meets them: they are put by until one comes that knows it. A part of
-- other scripts; needs queue/line.lua.
--
-- Whoever is put by still waits in the line, behind all others and those at gates, so that it is counted, shown, cancelled
-- and expires as any. It is met once, and not with every look; a worker that knows its version takes it before others, for
-- its turn has come.
local NEWER_PLACE = '8000000000000000'
local NEWER_MOST = 1000 -- are looked at in one go: the next look goes on

-- The version that a job says it is of; `prefix` is that of arq's jobs. What is no job at all is for who runs it to find.
local function newer_version(prefix, id)
  local job = redis.pcall('GETRANGE', prefix .. id, 0, 31)
  return tonumber(type(job) == 'string' and job:match('^{"v":(%d+),') or 1)
end

-- `newer` is the key of those that are put by, `claims` that of the claims. What counts of the claim so far is kept.
local function newer_put_by(newer, claims, id, place, life, times)
  local claim = redis.call('HGET', claims, id)
  times = times or claim and claim:match('^(%d+)|') or 0
  place = claim and claim:match('^%d+|([^|]+)|') or place
  line_return(id, place, NEWER_PLACE, life)
  redis.call('HSET', claims, id, times .. '|' .. place .. '|0|')
  redis.call('ZADD', newer, place, id)
  redis.call('EXPIRE', newer, life)
  redis.call('EXPIRE', claims, life)
end

-- Takes the first of those out of the line of which `version` is enough: `take(id, place)` for each, `room` at the most.
-- Returns for how many there is room then.
local function newer_take(newer, prefix, version, room, life, take)
  for _, id in ipairs(redis.call('ZRANGE', newer, 0, NEWER_MOST - 1)) do
    if room > 0 and newer_version(prefix, id) <= version then
      redis.call('ZREM', newer, id)
      local place = redis.call('ZSCORE', JOBS, id)
      if place then
        line_leave(id, life)
        take(id, place)
        room = room - 1
      end
    end
  end
  return room
end

