-- What an account (a tenant, a user of one) has used of its limits, and what of them is promised to streams that have not
-- ended. A part of other scripts, whose first lines it is; all that changes an account stands here.
--
-- Money is whole nano-dollars, exact below nine million dollars. A bucket is kept as what is missing in it, in units that
-- a rate of one a minute brings in a microsecond: so all of it is whole numbers, and an account that was never used, or
-- was forgotten, is a full one. A stream's promise is a key of its own:
--
--   ks:{queue}:reserved:<id>   `<nano>;<nano of a call>;<account>,<output tokens a minute>,<nano a day>,<nano a month>;…`
--   <account>                  hash: requests, requests_at, output, output_at (buckets); day, spent_day, month,
--                              spent_month (UTC's); reserved (the sum of what is promised)
--   <account>:open             zset: `<id>|<nano>` by the ms at which the promise ends with the stream's life
local UNIT = 60000000
local DAY = 86400000000

-- The UTC day and month of a time in µs, each as a number that grows by one.
local function windows(now)
  local day = math.floor(now / DAY)
  local z = day + 719468 -- days since 0000-03-01: a year that begins in March has its odd day last
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  return day, (yoe + era * 400) * 12 + math.floor((5 * doy + 2) / 153)
end

local function whole(number)
  return string.format('%.0f', number)
end

-- What is missing in a bucket by now, that `missing` was missing in at the time `at`.
local function missing_now(missing, at, rate, now)
  return math.max(0, tonumber(missing or '0') - math.max(0, now - tonumber(at or '0')) * rate)
end

-- What was spent in the window `is`, of which `spent` was spent in the window `was`. A clock that is set back by a moment
-- begins no window anew.
local function spent_in(is, was, spent)
  was = tonumber(was or '')
  if not was or is > was or is < was - 1 then
    return 0
  end
  return tonumber(spent or '0')
end

-- Takes a promise back, `<id>|<nano>`; does nothing where it is not there, or was taken back by its time.
local function take_back(key, promised)
  local nano = promised:match('|(%d+)$')
  if redis.call('ZREM', key .. ':open', promised) == 0 or nano == '0' then
    return
  end
  if redis.call('HINCRBY', key, 'reserved', '-' .. nano) < 0 then -- the account was forgotten meanwhile
    redis.call('HSET', key, 'reserved', 0)
  end
end

-- Takes back what was promised to streams whose life is over without an ending.
local function forget_overdue(key, now)
  for _, promised in ipairs(redis.call('ZRANGEBYSCORE', key .. ':open', '-inf', whole(now / 1000), 'LIMIT', 0, 100)) do
    take_back(key, promised)
  end
end

-- Reads how an account stands.
local function look_at(account, now)
  local day, month = windows(now)
  local is = redis.call(
    'HMGET', account.key, 'requests', 'requests_at', 'output', 'output_at', 'day', 'spent_day', 'month', 'spent_month',
    'reserved'
  )
  if account.rate then
    account.missing = math.min(account.burst * UNIT, missing_now(is[1], is[2], account.rate, now))
  end
  if account.output then
    account.output_missing = missing_now(is[3], is[4], account.output, now)
  end
  account.spent_day = spent_in(day, is[5], is[6])
  account.spent_month = spent_in(month, is[7], is[8])
  account.reserved = tonumber(is[9] or '0')
end

-- The budget that has no room for `nano` more, and what is left of it; nil where each has.
local function over_budget(account, nano)
  if account.day and account.spent_day + account.reserved + nano > account.day then
    return 'usd_per_day', whole(math.max(0, account.day - account.spent_day - account.reserved))
  end
  if account.month and account.spent_month + account.reserved + nano > account.month then
    return 'usd_per_month', whole(math.max(0, account.month - account.spent_month - account.reserved))
  end
end

-- Promises `nano` of an account to a stream until `ends` in ms.
local function promise(key, id, nano, ends, life)
  redis.call('ZADD', key .. ':open', ends, id .. '|' .. nano)
  redis.call('EXPIRE', key .. ':open', life)
  redis.call('HINCRBY', key, 'reserved', nano)
  redis.call('EXPIRE', key, life)
end

