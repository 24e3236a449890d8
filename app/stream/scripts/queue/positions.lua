-- Places in the line, as they are shown: 1 for who is taken next.
--
-- KEYS  1 to 6 the line, see line.lua
-- ARGV  1.. ids
-- reply {place, …}, nil for one that does not wait
local places = {}
for i, id in ipairs(ARGV) do
  local holder, record = id, line_record(id)
  local own = record and places_of(JOBS, record.name)
  if own and same(redis.call('ZSCORE', own.places, id), redis.call('ZSCORE', JOBS, id)) then
    local rank = redis.call('ZRANK', own.ids, id)
    holder = rank and redis.call('ZRANGE', own.places, rank, rank)[1] or id
  end
  local rank = redis.call('ZRANK', JOBS, holder)
  places[i] = rank and rank + 1
end
return places
