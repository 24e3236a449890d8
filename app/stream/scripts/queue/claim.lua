-- Moves jobs from the queue to the leases, raising the fence of each; expired leases go back to the queue first, with
-- their original place. Safe to repeat: a claim whose reply was lost gives the same answer under the same number. Behind
-- queue/newer.lua: those of a newer version than the holder's are put by, unless they are claimed by their id, to be ended.
--
-- KEYS  1 to 6 the line, see line.lua   7 leases   8 claims   9 fence   10 this holder's last answer
--       11 stands while any model is held   12 the leases' clock   13 who waits for a person   14 who is put by
-- ARGV  1 how many   2 holder   3 number of this claim   4 lease in ms   5 id to take, or '' for those whose turn it is
--       6 life of the queue's keys in s   7 life of the last answer in s   8 prefix of a worker's own channel
--       9 wake channel   10 the newest version that the holder knows   11 prefix of arq's jobs
-- reply {1 if no model is held, {id, fence, times claimed, 1 if it comes from a worker that stands still, id, …}}
local calm = 1 - redis.call('EXISTS', KEYS[11])
local last = redis.call('HMGET', KEYS[10], 'number', 'answer')
if last[1] == ARGV[3] then
  return {calm, cjson.decode(last[2])}
elseif last[1] and tonumber(last[1]) > tonumber(ARGV[3]) then
  return {calm, {}} -- it was long on its way: nobody waits for what it would take
end
local now, clock, ended = lease_clock(KEYS[12], ARGV[4], ARGV[6])

local put_back = put_back_expired(KEYS[7], KEYS[8], ended, 1000, ARGV[6])

local taken, version, put_by = {}, tonumber(ARGV[10]), 0
local function take(id, place)
  taken[#taken + 1] = id
  taken[#taken + 1] = place
end
-- Whether it was left for others.
local function leave_newer(id, place)
  if newer_version(ARGV[11], id) <= version then
    return false
  end
  newer_put_by(KEYS[14], KEYS[8], id, place, ARGV[6])
  put_by = put_by + 1
  return true
end
if ARGV[5] ~= '' then
  local place = redis.call('ZSCORE', JOBS, ARGV[5])
  if place then
    line_leave(ARGV[5], ARGV[6])
    redis.call('ZREM', KEYS[14], ARGV[5])
    take(ARGV[5], place)
  elseif redis.call('ZREM', KEYS[13], ARGV[5]) == 1 then
    take(ARGV[5], string.format('%.0f', now * 1000))
  end
else
  local room = newer_take(KEYS[14], ARGV[11], version, tonumber(ARGV[1]), ARGV[6], take)
  while room > 0 and put_by < NEWER_MOST do
    local id, place = line_next(ARGV[6])
    if not id then
      break
    end
    if not leave_newer(id, place) then
      take(id, place)
      room = room - 1
    end
  end
  if room > 0 then -- whose turn at a gate never came
    local top, due = turn_number(LINE_BEHIND), turn_number(LINE_BEHIND + now * 1000)
    local late = redis.call('ZRANGE', JOBS, top, due, 'BYSCORE', 'LIMIT', 0, room, 'WITHSCORES')
    for i = 1, #late, 2 do
      line_leave(late[i], ARGV[6])
      if not leave_newer(late[i], late[i + 1]) then
        take(late[i], late[i + 1])
      end
    end
  end
end

if put_by > 0 or put_back > 0 and line_waits() then -- for others; or more than there was room for here
  redis.call('PUBLISH', ARGV[9], '1')
end

local answer = {}
for i = 1, #taken, 2 do
  local id, place = taken[i], taken[i + 1]
  if not line_is_stream(id) then
    redis.call('HDEL', KEYS[8], id)
  else
    local claim = redis.call('HGET', KEYS[8], id)
    local times = (claim and tonumber(claim:match('^(%d+)|')) or 0) + 1
    -- Whose last holder is still heard was not lost with it: a process that stands still takes no attempt from its streams.
    local stalled = 0
    local worker = claim and claim:match('^%d+|[^|]+|%d+|(.*)/%d+$')
    if worker and redis.call('PUBSUB', 'NUMSUB', ARGV[8] .. worker)[2] > 0 then
      times, stalled = times - 1, 1
    end
    place = claim and claim:match('^%d+|([^|]+)|') or place -- one that waited at a gate stood elsewhere meanwhile
    local fence = redis.call('INCR', KEYS[9])
    -- The holder's name carries the claim's number: no two claims ever share fence and holder, even after a failover.
    redis.call('HSET', KEYS[8], id, times .. '|' .. place .. '|' .. fence .. '|' .. ARGV[2] .. '/' .. ARGV[3])
    redis.call('ZADD', KEYS[7], clock + ARGV[4], id)
    answer[#answer + 1] = id
    answer[#answer + 1] = fence
    answer[#answer + 1] = times
    answer[#answer + 1] = stalled
  end
end
if #answer > 0 then
  redis.call('HSET', KEYS[10], 'number', ARGV[3], 'answer', cjson.encode(answer))
  redis.call('EXPIRE', KEYS[10], ARGV[7])
  for _, key in ipairs({JOBS, KEYS[7], KEYS[8], KEYS[9]}) do
    redis.call('EXPIRE', key, ARGV[6])
  end
end
return {calm, answer}
