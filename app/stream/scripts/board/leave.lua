-- A process leaves its numbers, and what it has counted since it last did. Behind board/step.lua and board/held.lua.
--
-- What was counted carries a number that rises with each answer: what comes again under the same number, because its
-- reply was lost, is counted already.
--
-- KEYS  1 processes, of each `<ms when> <number of its last counts> <its numbers, JSON>`   2 what was seen, a list
--       3 jobs   4 leases   5 claims   6 the leases' clock
-- ARGV  1 name   2 number of these counts   3 its numbers, JSON   4 prefix of steps   5 ms after which a process is forgotten
--       6 prefix of the channels that the processes listen to   7 most of what was seen   8 how many counts follow
--       9.. field, count, …, then what was seen, each JSON without its time
-- reply now, in ms
local LONG_MS = 3000 -- who lives says something again within a second, and who has died is not new
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local step = step_at(ARGV[4], time[1])
local before, number = (redis.call('HGET', KEYS[1], ARGV[1]) or ''):match('^(%d+) (%d+) ')
if tonumber(ARGV[2]) > tonumber(number or 0) then
  local last = 8 + 2 * ARGV[8]
  for i = 9, last, 2 do
    redis.call('HINCRBY', step, ARGV[i], ARGV[i + 1])
  end
  if last > 8 then
    redis.call('EXPIRE', step, STEP_LIFE)
  end
  for i = last + 1, #ARGV do
    redis.call('RPUSH', KEYS[2], now .. ' ' .. ARGV[i])
  end
  if ARGV[last + 1] then
    redis.call('LTRIM', KEYS[2], -ARGV[7], -1)
    redis.call('EXPIRE', KEYS[2], STEP_LIFE)
  end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s %s', now, ARGV[2], ARGV[3]))
if before and tonumber(before) > now then -- the clock was set back: when before that somebody said something is not known
  local processes = redis.call('HGETALL', KEYS[1])
  for i = 1, #processes, 2 do
    local at, rest = processes[i + 1]:match('^(%d+)( .*)$')
    if tonumber(at) > now then
      redis.call('HSET', KEYS[1], processes[i], string.format('%.0f', now - LONG_MS) .. rest)
    end
  end
end
if before and step_at(ARGV[4], before / 1000) == step then
  return now
end

redis.call('EXPIRE', KEYS[1], STEP_LIFE)
-- Who comes first in a step notes how things stand: for the charts of those who look later.
if redis.call('HSETNX', step, 'waiting', redis.call('ZCARD', KEYS[3])) == 1 then
  local holders = held_streams(KEYS[4], KEYS[5], KEYS[6])
  local running, readers = 0, 0
  local processes = redis.call('HGETALL', KEYS[1])
  for i = 1, #processes, 2 do
    local name, at, numbers = processes[i], processes[i + 1]:match('^(%d+) %d+ (.*)$')
    if now - at > tonumber(ARGV[5]) then
      redis.call('HDEL', KEYS[1], name)
    elseif redis.call('PUBSUB', 'NUMSUB', ARGV[6] .. name)[2] > 0 then
      running = running + (holders[name] or 0)
      readers = readers + (cjson.decode(numbers).readers or 0)
    end
  end
  redis.call('HSET', step, 'running', running, 'readers', readers)
end
redis.call('EXPIRE', step, STEP_LIFE)
return now
