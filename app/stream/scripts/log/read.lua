-- Reads on from a proven place of a log, or from its newest attempt.
--
-- KEYS  1 log   2 meta   3 tomb
-- ARGV  1 offset to read from, or -1 for the newest attempt   2 the proof that must stand right before it, or ''
--       3 most bytes to read   4 how many bytes behind a proven place are left out, or nothing
-- reply {state, owner, proven (1 or 0), start, bytes, log's length, newest attempt's start, newest attempt,
--        the 24 bytes before start, where they were not given, its place in its trace or ''}
--       state: queued | running | ended | gone (was there once) | '' (never was)
--       where the proof does not stand, bytes are those of the newest attempt
local facts = redis.call('HMGET', KEYS[2], 'state', 'owner', 'base', 'attempt', 'traceparent')
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
local start, proven, limit, skip = tonumber(ARGV[1]), 1, tonumber(ARGV[3]), tonumber(ARGV[4] or '0')
local bytes
if start >= 0 and ARGV[2] ~= '' then
  local first = start - #ARGV[2]
  if first < 0 or start > length then
    proven = 0
  elseif skip > 0 then
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
