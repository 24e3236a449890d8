-- What a worker offers as tools, said anew with each of its renewals: by the digest of its definitions, which many
-- workers share. Whoever has said nothing for too long is forgotten, and with the last of them its definitions.
--
-- KEYS  1 what each worker offers   2 definitions by their digest
-- ARGV  1 worker   2 digest, or '' of a worker that leaves   3 the definitions, or '' where they should be known
--       4 life of the keys in s   5 age in ms at which a worker is forgotten
-- reply 1, or 0 where the definitions are not known: send them
-- Allowed on a full Redis: what is known already needs no room, and without it the tools of the living would be gone.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
elseif ARGV[2] ~= '' and redis.call('HSTRLEN', KEYS[2], ARGV[2]) == 0 then
  return 0
end
local named, dropped = {[ARGV[2]] = true}, {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local at, digest = all[i + 1]:match('^(%d+) (.*)$')
  if all[i] == ARGV[1] or tonumber(at) < now - ARGV[5] then
    dropped[digest] = true
    redis.call('HDEL', KEYS[1], all[i])
  else
    named[digest] = true
  end
end
for digest in pairs(dropped) do
  if not named[digest] then
    redis.call('HDEL', KEYS[2], digest)
  end
end
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %s', now, ARGV[2]))
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return 1
