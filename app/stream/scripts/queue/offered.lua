-- The definitions of the tools that those workers offer that are there.
--
-- KEYS  1 what each worker offers   2 definitions by their digest
-- ARGV  1 age in ms at which a worker counts as gone
-- reply {definitions, …}, each once
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local seen, found = {}, {}
for _, said in ipairs(redis.call('HVALS', KEYS[1])) do
  local at, digest = said:match('^(%d+) (.*)$')
  if tonumber(at) >= now - ARGV[1] and not seen[digest] then
    seen[digest] = true
    found[#found + 1] = redis.call('HGET', KEYS[2], digest) or nil
  end
end
return found
