-- Drops the lease and the job of an ended stream, settles what it did cost, and puts an entry on the outbox.
--
-- KEYS  1 to 6 the line, see line.lua   7 leases   8 claims   9 outbox   10 arq's job   11 arq's retry counter
--       12 what was promised to it of its accounts
-- ARGV  1 id   2 fence   3 holder   4 most entries of the outbox   5 life of the queue's keys in s
--       6 how long a submit that is asked again still finds itself, in s
--       7 to 11 what it did use, for usage.lua: prefix, or '' where nothing is counted; life, user, model, counts
--       12 what it did cost, in nano, see settle.lua   13 its tokens of output   14 prefix of accounts, whose keys are all
--       of this slot   15 prefix of steps   16 prefix of days   17 how it ended, or ''; for board/step.lua
--       18.. field, value, … of the entry
-- reply 1, or 0 for a claim that is not the newest
-- arq counts up when a job starts, which a worker that was paused may do after the stream is done: nobody reads it.
redis.call('DEL', KEYS[11])
local claim = redis.call('HGET', KEYS[8], ARGV[1])
if not claim or claim:match('^%d+|[^|]+|(.*)$') ~= ARGV[2] .. '|' .. ARGV[3] then
  return 0
end
line_leave(ARGV[1], ARGV[5])
redis.call('HDEL', RECORDS, ARGV[1])
redis.call('ZREM', KEYS[7], ARGV[1])
redis.call('HDEL', KEYS[8], ARGV[1])
-- Who has not heard its submit's reply asks again: what ran meanwhile must not run once more.
redis.call('EXPIRE', KEYS[10], ARGV[6])
settle(ARGV[1], KEYS[12], ARGV[14], ARGV[12], tonumber(ARGV[13]), ARGV[5])
if ARGV[7] ~= '' then
  usage_count(ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11])
end
step_ended(ARGV[15], ARGV[16], ARGV[17], ARGV[7] ~= '' and ARGV[11] or '')
if ARGV[18] then
  redis.call('XADD', KEYS[9], 'MAXLEN', '~', ARGV[4], '*', unpack(ARGV, 18))
  redis.call('EXPIRE', KEYS[9], ARGV[5])
end
return 1
