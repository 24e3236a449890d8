-- Promises what a further call of a stream may cost, beside what its calls did cost so far. Safe to repeat.
--
-- KEYS  1 claims   2 the stream's promise
-- ARGV  1 id   2 fence   3 holder   4 what was spent so far, in nano   5 prefix of accounts   6 life of accounts in s
--       7 how many calls so far have no known price: each of them did cost what is promised to one, see settle.lua
-- reply {'ok'}                           it is promised, or there is no budget
--       {'fenced'}                       for a claim that is not the newest
--       {limit, what is left in nano, now in ms}   that budget has no room for it
-- The accounts' keys, all of this slot, are named by the promise.
local claim = redis.call('HGET', KEYS[1], ARGV[1])
if not claim or claim:match('^%d+|[^|]+|(.*)$') ~= ARGV[2] .. '|' .. ARGV[3] then
  return {'fenced'}
end
local promised = redis.call('GET', KEYS[2])
if not promised then
  return {'ok'}
end
local nano, call, words = promised:match('^(%d+);(%d+);(.*)$')
local more = tonumber(ARGV[4]) + (ARGV[7] + 1) * tonumber(call) - tonumber(nano)
if more <= 0 then
  return {'ok'}
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local accounts = {}
for digest, day, month in words:gmatch('(%x+),%d*,(%d*),(%d*)') do
  local account = {key = ARGV[5] .. digest, day = tonumber(day), month = tonumber(month)}
  look_at(account, now)
  local name, left = over_budget(account, more)
  if name then
    return {name, left, whole(now / 1000)}
  end
  accounts[#accounts + 1] = account
end
local all = whole(tonumber(nano) + more)
local ends = whole(now / 1000 + redis.call('PTTL', KEYS[2]))
for _, account in ipairs(accounts) do
  take_back(account.key, ARGV[1] .. '|' .. nano)
  promise(account.key, ARGV[1], all, ends, ARGV[6])
end
redis.call('SET', KEYS[2], table.concat({all, call, words}, ';'), 'KEEPTTL')
return {'ok'}
