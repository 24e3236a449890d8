-- How many readers of a stream came and went on a front since it last said so: the field `readers` of the meta, lines
-- `<from, in ms> <until, in ms> <word>=<number> …\n`. There are 20 at the most: from then on the last one counts on, so that
-- who reads in a crowd costs no more than who reads alone.
--
-- KEYS  1 meta
-- ARGV  1 how many ms ago the first came or went   2 and the last   3.. word, number, …
-- reply 1, or 0 for a stream that is not there
local facts = redis.call('HMGET', KEYS[1], 'state', 'readers')
if not facts[1] then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local from = string.format('%.0f', now - ARGV[1])
local known = facts[2] or ''
local numbers, words = {}, {}
local function add(word, number)
  if not numbers[word] then
    words[#words + 1] = word
  end
  numbers[word] = (numbers[word] or 0) + number
end
local _, lines = known:gsub('\n', '\n')
if lines >= 20 then
  local head, since, last = known:match('^(.*\n)(%d+) %d+ ([^\n]*)\n$')
  known, from = head, since
  for word, number in last:gmatch('(%a+)=(%d+)') do
    add(word, number)
  end
end
for i = 3, #ARGV, 2 do
  add(ARGV[i], ARGV[i + 1])
end
for i, word in ipairs(words) do
  words[i] = string.format('%s=%.0f', word, numbers[word])
end
redis.call('HSET', KEYS[1], 'readers', known .. from .. string.format(' %.0f ', now - ARGV[2]) .. table.concat(words, ' ') .. '\n')
return 1
