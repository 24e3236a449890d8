-- The ids of streams that have waited for too long, also those whose lease expired and that nobody claimed.
--
-- KEYS  1 to 6 the line, see line.lua   7 leases   8 claims   9 the leases' clock
-- ARGV  1 longest wait in ms   2 most ids   3 life of the queue's keys in s   4 wake channel
-- reply {id, …}
local now, _, ended = lease_clock(KEYS[9], nil, ARGV[3])
line_lives(ARGV[3])
if put_back_expired(KEYS[7], KEYS[8], ended, ARGV[2], ARGV[3]) > 0 then
  redis.call('PUBLISH', ARGV[4], '1')
end
local overdue = redis.call('ZRANGEBYSCORE', SINCE, '-inf', now - ARGV[1], 'LIMIT', 0, ARGV[2])
-- What an older version has put into the line, or a hand: its place is when it came there.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', JOBS, '-inf', (now - ARGV[1]) * 1000, 'LIMIT', 0, ARGV[2])) do
  if not line_is_stream(id) then
    line_leave(id, ARGV[3])
  elseif not redis.call('ZSCORE', SINCE, id) then
    overdue[#overdue + 1] = id
  end
end
return overdue
