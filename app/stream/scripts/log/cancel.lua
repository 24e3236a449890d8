-- Asks for a stream's cancellation: a field for whoever looks, a message for whoever listens.
--
-- KEYS  1 meta
-- ARGV  1 control channel
-- reply state, or '' for a stream that is not there
local state = redis.call('HGET', KEYS[1], 'state')
if not state then
  return ''
end
if state ~= 'ended' then
  redis.call('HSET', KEYS[1], 'cancel', '1')
  redis.call('PUBLISH', ARGV[1], 'cancel')
end
return state
