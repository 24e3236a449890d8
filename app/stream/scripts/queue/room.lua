-- Whether an owner's accounts have room for a stream more: what submit.lua would say, and nothing is taken.
--
-- ARGV  1 what a call of it may cost, in nano   2 prefix of accounts, whose keys are all of this slot
--       3.. the owner's accounts, see admit.lua
-- reply {what has no room for it, or nothing; how the buckets stand; now in ms}
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local accounts = accounts_of(3, ARGV[2], now)
return {refused(accounts, tonumber(ARGV[1])) or {}, standing(accounts, now), whole(now / 1000)}
