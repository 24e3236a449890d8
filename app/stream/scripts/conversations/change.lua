-- Changes a conversation's history and appends and publishes what says so, if nothing has happened since it was read.
--
-- KEYS  1 log   2 meta   3 messages   4 opinions, see rate.lua   5 tomb   6 versions
-- ARGV  1 channel   2 create | change | start_over (the log begins anew with these frames) | delete
--       3 the log's length as it was read   4 its last 24 bytes, or '' for an empty one   5 frames
--       6 life in ms from now on   7 life in ms of the tomb, for delete
--       8 how many messages stay, or -1 for all   9 number of messages to add
--       10 the field of the versions under which what does not stay is put away, or ''
--       11 number of fields of the versions that go
--       12.. these fields, then the messages, then field, value, … for the meta
-- reply status: ok | moved (something has happened: read again) | gone
local log, meta, messages, versions = KEYS[1], KEYS[2], KEYS[3], KEYS[6]
local mode, at, proof, frames, life = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local keep, added, put, gone = tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10], tonumber(ARGV[11])

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

-- What goes first: there is to be room for what comes.
for i = 12, 11 + gone do
  redis.call('HDEL', versions, ARGV[i])
end
if put ~= '' then
  -- They stand as they are: nothing is written anew, and no number of theirs is read.
  redis.call('HSET', versions, put, '[' .. table.concat(redis.call('LRANGE', messages, keep, -1), ',') .. ']')
end
if keep == 0 then
  redis.call('DEL', messages)
elseif keep > 0 then
  redis.call('LTRIM', messages, 0, keep - 1)
end
-- One by one: a long history is more than `unpack` can put on Lua's stack.
local fields = 12 + gone + added
for i = 12 + gone, fields - 1 do
  redis.call('RPUSH', messages, ARGV[i])
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', meta, 'updated_at', now)
redis.call('HSETNX', meta, 'created_at', now)
if ARGV[fields] then
  redis.call('HSET', meta, unpack(ARGV, fields))
end
if mode == 'start_over' then
  redis.call('SET', log, frames)
  at = 0
else
  redis.call('APPEND', log, frames)
end
if mode == 'delete' then
  redis.call('HSET', meta, 'state', 'ended', 'stream', '')
  redis.call('DEL', messages, KEYS[4], versions)
  redis.call('SET', KEYS[5], facts[2] or '', 'PX', ARGV[7])
else
  redis.call('HSET', meta, 'state', 'running')
end
for _, key in ipairs({ log, meta, messages, KEYS[4], versions }) do
  redis.call('PEXPIRE', key, life)
end
redis.call('PUBLISH', ARGV[1], at .. ':' .. frames)
return 'ok'
