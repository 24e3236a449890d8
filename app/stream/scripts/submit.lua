-- Puts a stream's job on the queue, together with the record of its Idempotency-Key.
--
-- KEYS  1 jobs   2 arq's job   3 idempotency record (or jobs again where there is no key)
-- ARGV  1 id   2 queue limit   3 job   4 life in ms   5 digest of the body, or '' without a key
--       6 id that the record may name and is to be replaced, or ''   7 wake channel   8 life of the queue's keys in s
-- reply {status, id, number of waiting streams}
--       status: ok | same (the key stands for that id) | other (the key stands for another body) | full
if ARGV[5] ~= '' then
  local record = redis.call('HMGET', KEYS[3], 'id', 'digest')
  if record[1] and record[1] ~= ARGV[6] and record[1] ~= ARGV[1] then
    return {record[2] == ARGV[5] and 'same' or 'other', record[1], 0}
  end
end
local waiting = redis.call('ZCARD', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 0 then
  if waiting >= tonumber(ARGV[2]) then
    return {'full', '', waiting}
  end
  local time = redis.call('TIME')
  redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
  redis.call('ZADD', KEYS[1], time[1] * 1000000 + time[2], ARGV[1])
  redis.call('EXPIRE', KEYS[1], ARGV[8])
  if ARGV[5] ~= '' then
    redis.call('HSET', KEYS[3], 'id', ARGV[1], 'digest', ARGV[5])
    redis.call('PEXPIRE', KEYS[3], ARGV[4])
  end
  redis.call('PUBLISH', ARGV[7], '1')
end
return {'ok', ARGV[1], waiting}
