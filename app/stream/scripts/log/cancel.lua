-- Asks for a stream's cancellation: a field for whoever looks, a message for whoever listens.
--
-- KEYS  1 meta
-- ARGV  1 control channel   2 what is told of the first who asks, see story.lua, or ''
-- reply state, or '' for a stream that is not there
local state = redis.call('HGET', KEYS[1], 'state')
if not state then
  return ''
end
if state ~= 'ended' then
  if redis.call('HSET', KEYS[1], 'cancel', '1') == 1 and ARGV[2] ~= '' then
    story(KEYS[1], ARGV[2])
  end
  redis.call('PUBLISH', ARGV[1], 'cancel')
end
return state
