-- Changes a conversation's history and appends and publishes what says so, if nothing has happened since it was read.
--
-- KEYS  1 log   2 meta   3 messages   4 opinions, see rate.lua   5 tomb
-- ARGV  1 channel   2 create | change | start_over (the log begins anew with these frames) | delete
--       3 the log's length as it was read   4 its last 24 bytes, or '' for an empty one   5 frames
--       6 life in ms from now on   7 life in ms of the tomb, for delete
--       8 how many messages stay, or -1 for all   9 number of messages to add
--       10.. the messages, then field, value, … for the meta
-- reply status: ok | moved (something has happened: read again) | gone
local log, meta, messages = KEYS[1], KEYS[2], KEYS[3]
local mode, at, proof, frames, life = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local keep, added = tonumber(ARGV[8]), tonumber(ARGV[9])

local facts = redis.call('HMGET', meta, 'state', 'owner')
if mode == 'create' then
  -- Ids are random: one that stands already is our own, whose reply was lost.
  if facts[1] then
    return 'ok'
  end
elseif facts[1] ~= 'running' then
  return 'gone'
end
-- A log that was started over can have the same length again, but never the same last id.
if redis.call('STRLEN', log) ~= at or (proof ~= '' and redis.call('GETRANGE', log, -#proof, -1) ~= proof) then
  return 'moved'
end

if keep == 0 then
  redis.call('DEL', messages)
elseif keep > 0 then
  redis.call('LTRIM', messages, 0, keep - 1)
end
-- One by one: a long history is more than `unpack` can put on Lua's stack.
for i = 10, 9 + added do
  redis.call('RPUSH', messages, ARGV[i])
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', meta, 'updated_at', now)
redis.call('HSETNX', meta, 'created_at', now)
if ARGV[10 + added] then
  redis.call('HSET', meta, unpack(ARGV, 10 + added))
end
if mode == 'start_over' then
  redis.call('SET', log, frames)
  at = 0
else
  redis.call('APPEND', log, frames)
end
if mode == 'delete' then
  redis.call('HSET', meta, 'state', 'ended', 'stream', '')
  redis.call('DEL', messages, KEYS[4])
  redis.call('SET', KEYS[5], facts[2] or '', 'PX', ARGV[7])
else
  redis.call('HSET', meta, 'state', 'running')
end
for i = 1, 4 do
  redis.call('PEXPIRE', KEYS[i], life)
end
redis.call('PUBLISH', ARGV[1], at .. ':' .. frames)
return 'ok'
