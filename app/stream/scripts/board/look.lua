-- How things stand, all of one moment: who waits, who holds what, what the processes left, and what was counted. Behind
-- board/held.lua.
--
-- KEYS  1 processes   2 what was seen   3 jobs   4 leases   5 claims   6 the leases' clock   7 since
--       8 stands while any model is held   9 models at whose gates somebody may wait   10 workers
-- ARGV  1 prefix of steps   2 number of the first step that is wanted, '' for all   3 prefix of days
--       4 prefix of the channels that the processes listen to   5 length of a step in s   6 how many steps are kept
-- reply {now in ms, waiting, since when the oldest has waited in ms or '', streams that workers hold, and whose lease has ended,
--       {name, record, listeners, streams held, …}, {number of step, {field, count, …}, …}, {nano, saved} of the day,
--       {what was seen, oldest first}, {model, …}}
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local oldest = redis.call('ZRANGE', KEYS[7], 0, 0, 'WITHSCORES')
local holders, ended = held_streams(KEYS[4], KEYS[5], KEYS[6])

local processes, held, left = {}, 0, redis.call('HGETALL', KEYS[1])
for i = 1, #left, 2 do
  processes[#processes + 1] = left[i]
  processes[#processes + 1] = left[i + 1]
  processes[#processes + 1] = redis.call('PUBSUB', 'NUMSUB', ARGV[4] .. left[i])[2]
  processes[#processes + 1] = holders[left[i]] or 0
  held = held + (holders[left[i]] or 0)
  holders[left[i]] = nil
end
-- Whoever else is a worker is of another version. A front that holds one ends it right now: it does not run.
for name, number in pairs(holders) do
  if redis.call('ZSCORE', KEYS[10], name) then
    held = held + number
  end
end

local steps, last = {}, math.floor(time[1] / ARGV[5])
for number = math.max(tonumber(ARGV[2]) or 0, last - ARGV[6]), last do
  local counts = redis.call('HGETALL', ARGV[1] .. number)
  if #counts > 0 then
    steps[#steps + 1] = number
    steps[#steps + 1] = counts
  end
end

local day = redis.call('HMGET', ARGV[3] .. math.floor(time[1] / 86400), 'nano', 'saved')
return {
  now, redis.call('ZCARD', KEYS[3]), oldest[2] or '', held, ended, processes, steps, {day[1] or '0', day[2] or '0'},
  redis.call('LRANGE', KEYS[2], 0, -1), redis.call('EXISTS', KEYS[8]) == 1 and redis.call('SMEMBERS', KEYS[9]) or {},
}
