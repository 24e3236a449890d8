-- Where the answer to a request comes from: it is kept, or another stream is being given it, or it is the upstream's to
-- give. In that case the one who asks is from now on the stream that others with the same request are shown, until it is
-- done; whoever held that place before and has no worker any more has lost it. Safe to repeat. Needs lease_clock.lua.
--
-- KEYS  1 the kept answer   2 which stream is being given it   3 when answers were last used   4 leases
--       5 the leases' clock
-- ARGV  1 id of the stream that asks, or '' for who only looks   2 how old an answer may be, in ms   3 digest of the request
--       4 life of a stream in ms   5 life of the queue's keys in s   6 a stream that has ended, whose worker may not have
--       said so yet, or ''
-- reply {'kept', id of the stream it was given to, its frames, or '' for who only looks}
--       {'running', id} | {'none'}
local now, _, ended = lease_clock(KEYS[5], nil, ARGV[5])
local kept = redis.call('HMGET', KEYS[1], 'id', 'at')
if kept[1] and tonumber(kept[2]) + ARGV[2] > now then
  if ARGV[1] == '' then
    return {'kept', kept[1], ''}
  end
  redis.call('ZADD', KEYS[3], 'XX', now, ARGV[3])
  return {'kept', kept[1], redis.call('HGET', KEYS[1], 'frames')}
end
local running = redis.call('GET', KEYS[2])
if running and running ~= ARGV[1] and running ~= ARGV[6] then
  local ends = redis.call('ZSCORE', KEYS[4], running)
  if ends and tonumber(ends) > ended then
    return {'running', running}
  end
end
if ARGV[1] ~= '' then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[4])
end
return {'none'}
