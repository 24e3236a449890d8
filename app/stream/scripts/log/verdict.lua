-- What a person says to a call of a tool: the first word counts, and stands.
--
-- KEYS  1 meta
-- ARGV  1 the call   2 the verdict, JSON that begins with `{"approve":`   3 control channel
--       4 what is told of it, see story.lua, or ''
-- reply {status, state}
--       status: ok        it stands now
--               same      the same was said before
--               decided   something else was
--               unknown   nobody was asked of such a call
--               over      the stream has ended, or is cancelled
--               gone      there is no such stream
local said = 'verdict:' .. ARGV[1]
local facts = redis.call('HMGET', KEYS[1], 'state', 'cancel', 'ask:' .. ARGV[1], said)
local state = facts[1]
if not state then
  return {'gone', ''}
end
if facts[4] then
  -- A reason makes no other verdict. (Up to where true and false differ.)
  local length = #'{"approve":t'
  return {facts[4]:sub(1, length) == ARGV[2]:sub(1, length) and 'same' or 'decided', state}
end
if state == 'ended' or facts[2] == '1' then
  return {'over', state}
end
if not facts[3] then
  return {'unknown', state}
end
redis.call('HSET', KEYS[1], said, ARGV[2])
redis.call('HINCRBY', KEYS[1], 'answered', 1)
if ARGV[4] ~= '' then
  story(KEYS[1], ARGV[4])
end
redis.call('PUBLISH', ARGV[3], 'verdict')
return {'ok', state}
