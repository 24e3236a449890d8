-- What a stream did cost takes the place of what was promised to it, on each of its accounts, once. A part of other scripts,
-- behind accounts.lua.

-- `record` is the key of the promise, `prefix` that of accounts; `cost` in nano, with a `?` behind it where not all of it is
-- known: then it is what was promised at the least, for no budget is to be passed by what it could not count. `tokens` of
-- output; `keep` in s.
local function settle(id, record, prefix, cost, tokens, keep)
  local promised = redis.call('GET', record)
  if not promised then
    return
  end
  redis.call('DEL', record)
  local nano, accounts = promised:match('^(%d+);%d+;(.*)$')
  local known, open = cost:match('^(%d+)(%??)$')
  cost = open == '' and tonumber(known) or math.max(tonumber(known), tonumber(nano))
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local day, month = windows(now)
  for digest, output in accounts:gmatch('(%x+),(%d*),%d*,%d*') do
    local key = prefix .. digest
    take_back(key, id .. '|' .. nano)
    local is = redis.call('HMGET', key, 'day', 'spent_day', 'month', 'spent_month', 'output', 'output_at')
    if cost > 0 then
      for name, window in pairs({day = {day, is[1], is[2]}, month = {month, is[3], is[4]}}) do
        if spent_in(window[1], window[2], window[3]) == 0 then
          redis.call('HSET', key, name, window[1], 'spent_' .. name, 0)
        end
        redis.call('HINCRBY', key, 'spent_' .. name, whole(cost))
      end
    end
    if output ~= '' and tokens > 0 then
      local missing = missing_now(is[5], is[6], tonumber(output), now) + tokens * UNIT
      redis.call('HSET', key, 'output', whole(missing), 'output_at', whole(now))
    end
    redis.call('EXPIRE', key, keep)
  end
end

