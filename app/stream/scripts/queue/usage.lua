-- What the streams of a tenant did use on a day of UTC, summed up: a field for each user and model. Counted by whoever drops
-- a stream's job, so once. A part of other scripts.
local USAGE_FIELDS = 5000 -- of one tenant and day; whoever comes beyond is counted together with the others, as `/`

-- `prefix` is that of the tenant's keys, before the number of the day; `life` in s; `counts` are text: streams, calls,
-- tokens of input, of output, read from and written to caches, nano-dollars, and nano-dollars saved by caches.
local function usage_count(prefix, life, user, model, counts)
  local key = prefix .. math.floor(redis.call('TIME')[1] / 86400)
  local field = user .. '\n' .. model
  local before = redis.call('HGET', key, field)
  if not before and redis.call('HLEN', key) >= USAGE_FIELDS then
    field = '/\n/'
    before = redis.call('HGET', key, field)
  end
  local sums, n = {}, 0
  for count in counts:gmatch('%d+') do
    sums[#sums + 1] = tonumber(count)
  end
  for count in (before or ''):gmatch('%d+') do
    n = n + 1
    sums[n] = (sums[n] or 0) + tonumber(count)
  end
  for i, sum in ipairs(sums) do
    sums[i] = string.format('%.0f', sum)
  end
  redis.call('HSET', key, field, table.concat(sums, ' '))
  redis.call('EXPIRE', key, life)
end

