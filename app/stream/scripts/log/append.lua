-- Appends frames to a log and publishes them, under the fence and at one position; with a life given it also ends
-- the stream. Safe to repeat: what stands already is recognised, and only the rest is appended.
--
-- KEYS  1 log   2 meta   3 tomb
-- ARGV  1 channel   2 fence   3 holder   4 at   5 frames
--       6 life in ms after the ending, or ''   7 life in ms of the tomb, or ''   8.. field, value, … for the meta, of which
--       the first may have no name: then it is what was told meanwhile, see story.lua
-- reply {status, log's length, cancel flag}
--       status: ok        all of it stands, and is the log's end
--               fenced    somebody newer holds the stream
--               ended     the stream has its ending
--               gone      the meta is lost
--               short     the log ends before `at`: its tail was lost
--               conflict  other bytes stand at `at`, or may stand before it: our `begin` was lost, and another is needed
local log, meta = KEYS[1], KEYS[2]
local at, frames = tonumber(ARGV[4]), ARGV[5]
local length = redis.call('STRLEN', log)
local facts = redis.call('HMGET', meta, 'fence', 'holder', 'state', 'cancel', 'owner', 'withdrawn', 'conversation', 'resumes')
local cancel = facts[4] or ''

if length > at and length <= at + #frames then
  local stands = redis.call('GETRANGE', log, at, -1)
  if stands == frames then
    return {'ok', length, cancel}
  end
  if frames:sub(1, #stands) == stands then
    frames = frames:sub(#stands + 1)
    at = length
  end
end

if not facts[3] then
  return {'gone', length, cancel}
end
local fence, held = tonumber(ARGV[2]), tonumber(facts[1] or '0')
if fence < held or (fence == held and facts[2] ~= ARGV[3]) then
  return {'fenced', length, cancel}
end
if facts[3] == 'ended' then
  return {'ended', length, cancel}
end
if length < at then
  return {'short', length, cancel}
end
if length > at then
  return {'conflict', length, cancel}
end

-- Redis may have lost our `begin`: a higher fence is taken here just as there. But an older holder may have gone on since
-- then, and have filled the log up to our `at` with another history; only at its start there is none to mistake for ours.
if fence > held then
  if tonumber(ARGV[4]) > 0 then
    return {'conflict', length, cancel}
  end
  redis.call('HSET', meta, 'fence', ARGV[2], 'holder', ARGV[3], 'state', 'running')
end
if #frames > 0 then
  length = redis.call('APPEND', log, frames)
  if at == 0 then
    redis.call('PEXPIRE', log, redis.call('PTTL', meta))
  end
end
if ARGV[8] then
  local first = 8
  if ARGV[8] == '' then
    story(meta, ARGV[9])
    first = 10
  end
  for i = first, #ARGV, 2000 do -- Lua takes no more than some thousand at once, and a lost tail brings the fields of all turns
    redis.call('HSET', meta, unpack(ARGV, i, math.min(i + 1999, #ARGV)))
  end
end
if ARGV[6] ~= '' then
  local time = redis.call('TIME')
  local now, life = time[1] * 1000 + math.floor(time[2] / 1000), ARGV[6]
  redis.call('HSET', meta, 'state', 'ended', 'ended_at', now)
  -- Who may be given the results of its calls needs what was asked; nobody else does.
  local ending = redis.call('HMGET', meta, 'outcome', 'stop_reason')
  if not (facts[8] and ending[1] == 'completed' and ending[2] == 'tool_use') then
    redis.call('HDEL', meta, 'request')
  end
  if facts[6] then -- of one that was withdrawn nobody knows: it lives as long as the mark would
    life = math.min(life, facts[6])
  elseif facts[7] then -- an answer lives until its conversation has it (release.lua), however long nobody sees to it
    redis.call('HSET', meta, 'kept_until', string.format('%d', now + life))
    life = ARGV[7]
  end
  redis.call('PEXPIRE', meta, life)
  -- APPEND doubles its allocation; writing the value once more gives the slack back.
  redis.call('SET', log, redis.call('GET', log), 'PX', life)
  redis.call('SET', KEYS[3], facts[5] or '', 'PX', ARGV[7])
end
if #frames > 0 then
  redis.call('PUBLISH', ARGV[1], at .. ':' .. frames)
end
return {'ok', length, cancel}
