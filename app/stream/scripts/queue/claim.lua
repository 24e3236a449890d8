-- Moves jobs from the queue to the leases, raising the fence of each; expired leases go back to the queue first, with
-- their original score. Safe to repeat: a claim whose reply was lost gives the same answer under the same number.
--
-- KEYS  1 jobs   2 leases   3 claims   4 fence   5 this holder's last answer   6 stands while any model is held
--       7 what the waiting ones take   8 the leases' clock
-- ARGV  1 how many   2 holder   3 number of this claim   4 lease in ms   5 id to take, or '' for the oldest
--       6 life of the queue's keys in s   7 life of the last answer in s
--       8 where the places of those begin that wait at a gate
--       9 prefix of a worker's own channel
-- reply {1 if no model is held, {id, fence, times claimed, 1 if it comes from a worker that stands still, id, …}}
local calm = 1 - redis.call('EXISTS', KEYS[6])
local last = redis.call('HMGET', KEYS[5], 'number', 'answer')
if last[1] == ARGV[3] then
  return {calm, cjson.decode(last[2])}
elseif last[1] and tonumber(last[1]) > tonumber(ARGV[3]) then
  return {calm, {}} -- it was long on its way: nobody waits for what it would take
end
local now, clock, ended = lease_clock(KEYS[8], ARGV[4], ARGV[6])

local expired = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ended, 'LIMIT', 0, 1000)
for _, id in ipairs(expired) do
  local claim = redis.call('HGET', KEYS[3], id)
  local score = claim and claim:match('^%d+|([^|]+)|') or now * 1000
  redis.call('ZREM', KEYS[2], id)
  redis.call('ZADD', KEYS[1], score, id)
end
-- A line that was empty begins anew, and without a life.
if #expired > 0 then
  redis.call('DEL', KEYS[7]) -- counted anew, see submit.lua
  redis.call('EXPIRE', KEYS[1], ARGV[6])
end

local taken = {}
if ARGV[5] ~= '' then
  local score = redis.call('ZSCORE', KEYS[1], ARGV[5])
  if score then
    redis.call('ZREM', KEYS[1], ARGV[5])
    taken = {ARGV[5], score}
  end
else
  taken = redis.call('ZRANGE', KEYS[1], '-inf', '(' .. ARGV[8], 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
  local room = ARGV[1] - #taken / 2
  if room > 0 then -- whose turn never came
    local due = string.format('%.0f', ARGV[8] + now * 1000)
    for _, part in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[8], due, 'BYSCORE', 'LIMIT', 0, room, 'WITHSCORES')) do
      taken[#taken + 1] = part
    end
  end
  for i = 1, #taken, 2 do
    redis.call('ZREM', KEYS[1], taken[i])
  end
end

local answer = {}
for i = 1, #taken, 2 do
  local id, score = taken[i], taken[i + 1]
  -- What can be no stream's id is dropped: who holds it could not even say its name, and would be given it for ever.
  if not id:match('^[%w_:%-]+$') then
    redis.call('HDEL', KEYS[3], id)
  else
    local claim = redis.call('HGET', KEYS[3], id)
    local times = (claim and tonumber(claim:match('^(%d+)|')) or 0) + 1
    -- Whose last holder is still heard was not lost with it: a process that stands still takes no attempt from its streams.
    local stalled = 0
    local worker = claim and claim:match('^%d+|[^|]+|%d+|(.*)/%d+$')
    if worker and redis.call('PUBSUB', 'NUMSUB', ARGV[9] .. worker)[2] > 0 then
      times, stalled = times - 1, 1
    end
    score = claim and claim:match('^%d+|([^|]+)|') or score -- one that waited at a gate stood elsewhere meanwhile
    local fence = redis.call('INCR', KEYS[4])
    -- The holder's name carries the claim's number: no two claims ever share fence and holder, even after a failover.
    redis.call('HSET', KEYS[3], id, times .. '|' .. score .. '|' .. fence .. '|' .. ARGV[2] .. '/' .. ARGV[3])
    redis.call('ZADD', KEYS[2], clock + ARGV[4], id)
    answer[#answer + 1] = id
    answer[#answer + 1] = fence
    answer[#answer + 1] = times
    answer[#answer + 1] = stalled
  end
end
if #answer > 0 then
  redis.call('HSET', KEYS[5], 'number', ARGV[3], 'answer', cjson.encode(answer))
  redis.call('EXPIRE', KEYS[5], ARGV[7])
  for i = 1, 4 do
    redis.call('EXPIRE', KEYS[i], ARGV[6])
  end
end
return {calm, answer}
