-- A stream that waits for a person is kept for as long as it may, where its holder says so: nobody else knows that it
-- has not gone on, or ended, by now. Safe to repeat. Needs no room.
--
-- KEYS  1 log   2 meta
-- ARGV  1 fence   2 holder   3 life in ms
-- reply 1, or 0 for who does not hold it
local facts = redis.call('HMGET', KEYS[2], 'state', 'fence', 'holder')
if facts[1] == 'ended' or facts[2] ~= ARGV[1] or facts[3] ~= ARGV[2] then
  return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[3], 'GT')
redis.call('PEXPIRE', KEYS[2], ARGV[3], 'GT')
return 1
