-- What a stream did cost takes the place of what was promised to it, on each of its accounts, once. A part of other scripts,
-- behind accounts.lua.

-- Nothing here may fail, whatever it is told: the stream has left the line by then. So sums end at what can be counted.
local MONEY_MAX = 9000000000000000 -- nano-dollars, as in app/stream/accounts.py: above every budget, and exact in a double
local OUTPUT_MAX = 100000000 -- tokens that are waited for at the most, beside those of the bucket

-- `record` is the key of the promise, `prefix` that of accounts. `cost` is `<nano>?<calls>`: what is known, and how many calls
-- have no known price; each of those did cost what is promised to a call, for no budget is to be passed by what it could
-- not count. A `?` alone: nobody knows, so it is all that was promised. `tokens` of output; `keep` in s.
local function settle(id, record, prefix, cost, tokens, keep)
  local promised = redis.call('GET', record)
  if not promised then
    return
  end
  redis.call('DEL', record)
  local nano, call, accounts = promised:match('^(%d+);(%d+);(.*)$')
  local known, unpriced = cost:match('^(%d+)%?(%d+)$')
  cost = known and tonumber(known) + tonumber(unpriced) * tonumber(call) or tonumber(nano)
  if unpriced and unpriced ~= '0' then
    cost = math.max(cost, tonumber(nano)) -- what more was promised was for a call of its kind
  end
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local day, month = windows(now)
  for digest, output in accounts:gmatch('(%x+),(%d*),%d*,%d*') do
    local key = prefix .. digest
    take_back(key, id .. '|' .. nano)
    local is = redis.call('HMGET', key, 'day', 'spent_day', 'month', 'spent_month', 'output', 'output_at')
    if cost > 0 then
      for name, window in pairs({day = {day, is[1], is[2]}, month = {month, is[3], is[4]}}) do
        local spent = spent_in(window[1], window[2], window[3])
        if spent == 0 then
          redis.call('HSET', key, name, window[1])
        end
        redis.call('HSET', key, 'spent_' .. name, whole(math.min(spent + cost, MONEY_MAX)))
      end
    end
    if output ~= '' and tokens > 0 then
      local missing = missing_now(is[5], is[6], tonumber(output), now) + tokens * UNIT
      missing = math.min(missing, (output + OUTPUT_MAX) * UNIT)
      redis.call('HSET', key, 'output', whole(missing), 'output_at', whole(now))
    end
    redis.call('EXPIRE', key, keep)
  end
end

