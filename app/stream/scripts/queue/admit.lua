-- Whether an owner's accounts let a stream in, and what it takes of them then: all of it on each, or nothing at all.
-- A part of other scripts, behind accounts.lua.

-- The accounts that ARGV names from `first` on, seven words each: the name's digest, requests a minute and at once,
-- streams, output tokens a minute, nano a day and a month; each but the first may be '', which is without a limit.
local function accounts_of(first, prefix, now)
  local accounts = {}
  for i = first, #ARGV, 7 do
    local account = {key = prefix .. ARGV[i], words = table.concat({ARGV[i], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6]}, ',')}
    account.rate, account.burst, account.streams = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
    account.output, account.day, account.month = tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]), tonumber(ARGV[i + 6])
    account.kept = account.streams or account.output or account.day or account.month
    if account.kept then
      forget_overdue(account.key, now)
    end
    look_at(account, now)
    accounts[#accounts + 1] = account
  end
  return accounts
end

-- What has no room for one stream more that may cost `nano`: {the limit, number of the account, ms after which it has, or
-- what is left of a budget}. Budgets come first, for waiting a moment does not help; of rates the longest wait.
local function refused(accounts, nano)
  for number, account in ipairs(accounts) do
    local name, left = over_budget(account, nano)
    if name then
      return {name, number, left}
    end
  end
  for number, account in ipairs(accounts) do
    if account.streams and redis.call('ZCARD', account.key .. ':open') >= account.streams then
      return {'concurrent_streams', number, 0}
    end
  end
  local found, longest = nil, 0
  for number, account in ipairs(accounts) do
    local waits = {requests_per_minute = 0, output_tokens_per_minute = 0}
    if account.rate then
      waits.requests_per_minute = (account.missing + UNIT - account.burst * UNIT) / account.rate
    end
    if account.output then -- one unit more than nothing
      waits.output_tokens_per_minute = (account.output_missing + 1 - account.output * UNIT) / account.output
    end
    for name, wait in pairs(waits) do
      if wait > longest then
        found, longest = {name, number, math.ceil(wait / 1000)}, wait
      end
    end
  end
  return found
end

-- Lets a stream in. `record` is the key of its promise, `life` its life in ms, `keep` that of the accounts in s.
local function take(accounts, id, record, nano, now, life, keep)
  local kept = {nano, nano}
  for _, account in ipairs(accounts) do
    if account.rate then
      account.missing = account.missing + UNIT
      redis.call('HSET', account.key, 'requests', whole(account.missing), 'requests_at', whole(now))
      redis.call('EXPIRE', account.key, keep)
    end
    if account.kept then
      promise(account.key, id, nano, whole(now / 1000 + life), keep)
      kept[#kept + 1] = account.words
    end
  end
  if #kept > 2 then
    redis.call('SET', record, table.concat(kept, ';'), 'PX', life)
  end
end

-- How the buckets stand: {a minute, whole ones left, full at ms} of requests and of output tokens for each account, -1
-- where there is no such limit.
local function standing(accounts, now)
  local told = {}
  for _, account in ipairs(accounts) do
    local requests = {account.rate, account.burst, account.missing}
    local output = {account.output, account.output, account.output_missing}
    for _, bucket in ipairs({requests, output}) do
      local rate, most, missing = bucket[1], bucket[2], bucket[3]
      if rate then
        told[#told + 1] = rate
        told[#told + 1] = math.max(0, math.floor((most * UNIT - missing) / UNIT))
        told[#told + 1] = math.ceil((now + missing / rate) / 1000)
      else
        for _ = 1, 3 do
          told[#told + 1] = -1
        end
      end
    end
  end
  return told
end

