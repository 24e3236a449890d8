-- Reads on from a proven place of a log, or from its newest attempt.
--
-- KEYS  1 log   2 meta   3 tomb
-- ARGV  1 offset to read from, or -1 for the newest attempt   2 the proof that must stand right before it, or ''
--       3 most bytes to read   4 how many bytes behind a proven place are left out, or nothing
--       5 '1' for who is no reader: a log is read as it stands, or nothing
-- reply {state, owner, proven (1 or 0), start, bytes, log's length, newest attempt's start, newest attempt,
--        the 24 bytes before start, where they were not given, its place in its trace or ''}
--       state: queued | running | ended | gone (was there once) | '' (never was)
--       where the proof does not stand, bytes are those of the newest attempt
--
-- A stream whose `delivery` is final shows its readers nothing of an answer that is not whole. To them:
--       until it has ended its log is empty, whatever stands in it; a place that is proven is kept for then. The reply has
--       three more: the log's length, its newest attempt's start, and for how many ms it has run, or -1
--       then it begins where its newest attempt does; where that failed, was cancelled or expired, at its ending
local facts = redis.call('HMGET', KEYS[2], 'state', 'owner', 'base', 'attempt', 'traceparent', 'delivery')
if not facts[1] then
  local owner = redis.call('GET', KEYS[3])
  if owner then
    return {'gone', owner, 0, 0, '', 0, 0, 0, '', ''}
  end
  return {'', '', 0, 0, '', 0, 0, 0, '', ''}
end
local base = tonumber(facts[3] or '0')
local length = redis.call('STRLEN', KEYS[1])
-- An ended log has its ending at least: where it has nothing, it is not kept any more, or never was.
if facts[1] == 'ended' and length == 0 then
  return {'gone', facts[2] or '', 0, 0, '', 0, 0, 0, '', ''}
end

-- Where the ending of an ended log begins: its last frame, whose name stands nowhere else behind the one before it.
local function ending_at()
  local size = 4096
  while true do
    local from = math.max(0, length - size)
    local at = redis.call('GETRANGE', KEYS[1], from, -1):match('.*()event: relay%.end\n')
    if at then
      return from + at - 1
    end
    if from == 0 then
      return length
    end
    size = size * 16
  end
end

local start, proven, limit, skip = tonumber(ARGV[1]), 1, tonumber(ARGV[3]), tonumber(ARGV[4] or '0')
local final = facts[6] == 'final' and ARGV[5] ~= '1'
local sealed = final and facts[1] ~= 'ended'
if final and not sealed then
  local outcome = redis.call('HGET', KEYS[2], 'outcome')
  if outcome ~= 'completed' and outcome ~= 'truncated' and outcome ~= 'refused' then
    base = ending_at()
  end
  if start == 0 and ARGV[2] == '' then
    start = base
  elseif start >= 0 and start < base then
    start, skip, proven = -1, 0, 0
  end
end

local bytes
if start >= 0 and ARGV[2] ~= '' then
  local first = start - #ARGV[2]
  if first < 0 or start > length then
    proven = 0
  elseif skip > 0 or sealed then
    if redis.call('GETRANGE', KEYS[1], first, start - 1) ~= ARGV[2] then
      proven = 0
    end
  else
    bytes = redis.call('GETRANGE', KEYS[1], first, start + limit - 1)
    if bytes:sub(1, #ARGV[2]) == ARGV[2] then
      bytes = bytes:sub(#ARGV[2] + 1)
    else
      proven = 0
    end
  end
  if proven == 0 then
    bytes = nil
    start, skip = -1, 0
  end
end
if sealed then
  local since, ran = redis.call('HGET', KEYS[2], 'started_at'), -1
  if since then
    local time = redis.call('TIME')
    ran = math.max(0, time[1] * 1000 + math.floor(time[2] / 1000) - since)
  end
  start = math.max(0, start)
  local attempt = tonumber(facts[4] or '0')
  return {facts[1], facts[2] or '', proven, start, '', 0, 0, attempt, '', facts[5] or '', length, base, ran}
end
if start < 0 then
  start = base
end
local before = ''
if not bytes then
  if start >= 24 then
    before = redis.call('GETRANGE', KEYS[1], start - 24, start - 1)
  end
  bytes = redis.call('GETRANGE', KEYS[1], start + skip, start + skip + limit - 1)
end
return {facts[1], facts[2] or '', proven, start, bytes, length, base, tonumber(facts[4] or '0'), before, facts[5] or ''}
