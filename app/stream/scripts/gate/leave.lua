-- A stream that was claimed again takes the turn that its gate has given it, if it has. One that waits there stays.
--
-- KEYS  1 the gate's line
-- ARGV  1 id
-- reply 1 if its turn had come
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0) < 0 then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0
