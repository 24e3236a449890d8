-- Puts what people think of an answer on the outbox: once for each word of theirs, however often it is said.
--
-- KEYS  1 outbox   2 what was said of this stream last
-- ARGV  1 most entries of the outbox   2 its life in s, and that of what was said   3 the request's own word
--       4 the rating   5 a digest of rating and note   6 how often one may change one's mind
--       7.. field, value, … of the entry
-- reply {'new' | 'changed' (another rating) | 'noted' (another note) | 'same' | 'often', its number}
--       Who asks again, for its reply was lost, is told what it would have been told.
local said = redis.call('GET', KEYS[2])
local number, times, word, status, rating, digest
if said then
  number, times, word, status, rating, digest = said:match('^(%d+)|(%d+)|(%x+)|(%a+)|(%-?1)|(%x+)$')
  if word == ARGV[3] then
    return {status, tonumber(number)}
  end
  if digest == ARGV[5] then
    redis.call('EXPIRE', KEYS[2], ARGV[2])
    return {'same', tonumber(number)}
  end
  if tonumber(times) >= tonumber(ARGV[6]) then
    return {'often', tonumber(number)}
  end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local now_status = not said and 'new' or rating ~= ARGV[4] and 'changed' or 'noted'
-- A clock that was set back makes no newer word an older one.
local next_number = math.max(now, (tonumber(number or '0') + 1))
local kept = {string.format('%.0f', next_number), string.format('%.0f', tonumber(times or '0') + 1), ARGV[3], now_status, ARGV[4], ARGV[5]}
redis.call('SET', KEYS[2], table.concat(kept, '|'), 'EX', ARGV[2])
local entry = {unpack(ARGV, 7)}
entry[#entry + 1] = 'at'
entry[#entry + 1] = string.format('%.0f', now)
if said then
  entry[#entry + 1] = 'before'
  entry[#entry + 1] = rating
end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(entry))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return {now_status, next_number}
