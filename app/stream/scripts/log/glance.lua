-- Some fields of a stream's meta, and the time by the clock that its times are of.
--
-- KEYS  1 meta
-- ARGV  the fields
-- reply {now in ms, {value or nothing, …}}
local time = redis.call('TIME')
return {time[1] * 1000 + math.floor(time[2] / 1000), redis.call('HMGET', KEYS[1], unpack(ARGV))}
