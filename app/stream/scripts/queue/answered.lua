-- A stream that waited for a person goes back into the line, to its old place. Its time in the line begins anew: what it
-- waited for a person counts by itself. Does nothing to one that does not wait for one. Needs no room.
--
-- KEYS  1 to 6 the line, see line.lua   7 claims   8 who waits for a person
-- ARGV  1 id   2 wake channel   3 life of the queue's keys in s
-- reply 1 if it is in the line now
if redis.call('ZREM', KEYS[8], ARGV[1]) == 0 then
  return 0
end
local time = redis.call('TIME')
local place = (redis.call('HGET', KEYS[7], ARGV[1]) or ''):match('^%d+|([^|]+)|')
  or string.format('%.0f', time[1] * 1000000 + time[2])
local record = line_record(ARGV[1])
if record then
  record.since = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  line_keep(ARGV[1], record)
end
line_return(ARGV[1], place, place, ARGV[3])
redis.call('PUBLISH', ARGV[2], '1')
return 1
