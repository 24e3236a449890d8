-- Puts a stream's job on the queue, together with the record of its Idempotency-Key.
--
-- Nobody can fill the line alone: where it is more than half full, those of a name may be as many as is its share by weight
-- among all who wait, with one counted in who does not wait yet.
--
-- What the waiting prompts take is known as a bound that is never too low: each submit adds to it, who leaves the line
-- takes nothing off, and who comes back to it (claim, give_back, overdue) has it forgotten. It is counted anew where it is
-- not known or would refuse, at most once for each change of the line; so nothing can make it drift. A long line that is
-- full is counted at a pace that leaves Redis nine tenths of its time, and may refuse for as long what would fit by now.
--
-- A wake-up is a message for each worker. Where they are few all are woken by each submit, so that none of these messages
-- counts. Where they are many that would cost more than all else that is done here: then they are woken by the first that
-- comes to an empty line, for whoever has room takes until it is empty, and who had none looks as soon as he has; one who
-- does not hear it is one of many.
--
-- KEYS  1 to 6 the line, see line.lua   7 arq's job   8 idempotency record (or jobs again where there is no key)   9 fence
--       10 what is promised to this stream of its accounts
-- ARGV  1 id   2 queue limit   3 job   4 life in ms   5 digest of the body, or '' without a key
--       6 id that the record may name and is to be replaced, or ''   7 wake channel   8 life of the queue's keys in s
--       9 size in bytes   10 how many bytes may wait   11 in whose name it takes turns   12 its weight in thousandths
--       13 weight of one who does not wait yet, 0 where nobody else can come   14 for whom it takes turns in that name
--       15 its weight in thousandths   16 what a call of it may cost, in nano
--       17 prefix of accounts, whose keys are all of this slot   18.. the owner's accounts, see admit.lua
-- reply {status, id, number of waiting streams, what has no room for it, how the buckets stand, now in ms}
--       status: ok | same (the key stands for that id) | other (the key stands for another body) | full
--               | share (full for those of this name) | limited (the fourth tells, see admit.lua)
local FEW_WORKERS = 16
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local accounts = accounts_of(18, ARGV[17], now)
if ARGV[5] ~= '' then
  local record = redis.call('HMGET', KEYS[8], 'id', 'digest')
  if record[1] and record[1] ~= ARGV[6] and record[1] ~= ARGV[1] then
    return {record[2] == ARGV[5] and 'same' or 'other', record[1], 0, {}, standing(accounts, now), whole(now / 1000)}
  end
end
local waiting = redis.call('ZCARD', JOBS)
if redis.call('EXISTS', KEYS[7]) == 1 then
  return {'ok', ARGV[1], waiting, {}, standing(accounts, now), whole(now / 1000)}
end
local over = refused(accounts, tonumber(ARGV[16]))
if over then
  return {'limited', '', waiting, over, standing(accounts, now), whole(now / 1000)}
end
if waiting >= tonumber(ARGV[2]) then
  return {'full', '', waiting}
end
local weight, newcomer = tonumber(ARGV[12]), tonumber(ARGV[13])
local size, most = tonumber(ARGV[9]), tonumber(ARGV[10])
if newcomer > 0 then
  local own = line_of(ARGV[11])
  local share = weight / (own.waiting > 0 and own.all - own.weight + weight + newcomer or own.all + weight)
  local many = waiting + 1 > ARGV[2] / 2 and own.waiting + 1 > math.floor(ARGV[2] * share + 0.5)
  local large = own.all_bytes + size > most / 2 and own.bytes + size > most * share
  if own.waiting > 0 and (many or large) then
    return {'share', '', waiting}
  end
end
local known = redis.call('HMGET', BYTES, 'bytes', 'line', 'next')
local bytes = tonumber(known[1] or '')
-- Whoever is taken out of the line raises the fence, whoever is put there makes it longer.
local fence = redis.call('GET', KEYS[9]) or '0'
local exact = bytes and known[2] == fence .. '|' .. waiting
local paced = waiting > 1000 and now < tonumber(known[3] or '0')
local counted = false
if not exact and (not bytes or (bytes + size > most and not paced)) then
  bytes, exact, counted = 0, true, true
  for first = 0, waiting - 1, 1000 do
    local ids = redis.call('ZRANGE', JOBS, first, first + 999)
    for _, one in ipairs(redis.call('HMGET', RECORDS, unpack(ids))) do
      bytes = bytes + (tonumber((one or ''):match('^%d+')) or 0)
    end
  end
end
if bytes + size > most then
  if exact then
    local line = fence .. '|' .. waiting
    if known[2] ~= line then
      redis.call('HSET', BYTES, 'bytes', bytes, 'line', line, 'next', string.format('%d', now + waiting * 20))
      redis.call('EXPIRE', BYTES, ARGV[8])
    end
  end
  return {'full', '', waiting}
end
redis.call('SET', KEYS[7], ARGV[3], 'PX', ARGV[4])
local waits = line_waits()
line_join(ARGV[1], {
  size = size, name = ARGV[11], weight = weight, user = ARGV[14], user_weight = ARGV[15],
  since = math.floor(now / 1000), gate = '', gate_place = '',
}, ARGV[8])
redis.call('HSET', BYTES, 'bytes', bytes + size, 'line', exact and fence .. '|' .. waiting + 1 or '')
if counted then
  redis.call('HSET', BYTES, 'next', string.format('%d', now + waiting * 20))
end
redis.call('EXPIRE', BYTES, ARGV[8])
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[8], 'id', ARGV[1], 'digest', ARGV[5])
  redis.call('PEXPIRE', KEYS[8], ARGV[4])
end
take(accounts, ARGV[1], KEYS[10], ARGV[16], now, ARGV[4], ARGV[8])
if not waits or redis.call('PUBSUB', 'NUMSUB', ARGV[7])[2] <= FEW_WORKERS then
  redis.call('PUBLISH', ARGV[7], '1')
end
return {'ok', ARGV[1], waiting, {}, standing(accounts, now), whole(now / 1000)}
