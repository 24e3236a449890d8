-- Who waits for a person: those who have waited for too long, and a part of the others.
--
-- KEYS  1 who waits for a person
-- ARGV  1 where the last look ended, 0 for the beginning   2 how many
-- reply {{id that has waited too long, …}, where the look ended, or 0 for the end, {id, …}}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local late = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
-- Who leaves meanwhile moves others up, past the look: they are looked at in its next round.
local ids = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[1] + ARGV[2] - 1)
return {late, #ids == tonumber(ARGV[2]) and ARGV[1] + ARGV[2] or 0, ids}
