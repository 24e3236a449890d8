-- A stream's story, as far as it is kept: the field `timeline` of its meta, which lives and dies with that. A part of other
-- scripts: they hand it what was told since the last one, and it costs nothing where nothing was.
--
-- The field is `<how many lines are left out>\n` and the lines, `<when, in ms> <id> <event> <JSON>\n`. Of more than there is
-- room for, the first ones stay and the newest.
local STORY_MOST, STORY_FIRST = 157, 50

-- `told` is lines as above, with their age in ms in place of the time. One that stands there, from a try whose reply was
-- lost, is known by its id.
local function story(meta, told)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local known = redis.call('HGET', meta, 'timeline') or '0\n'
  local parts = {known}
  for age, line in told:gmatch('(%d+) ([^\n]*\n)') do
    if not known:find(' ' .. line, 1, true) then
      parts[#parts + 1] = string.format('%.0f ', now - age) .. line
    end
  end
  if #parts == 1 then
    return
  end
  local all = table.concat(parts)
  local _, count = all:gsub('\n', '\n')
  local over = count - 1 - STORY_MOST
  if over > 0 then
    local head, at = all:find('\n', 1, true), 0
    for _ = 0, STORY_FIRST do
      at = all:find('\n', at + 1, true)
    end
    local kept = at
    for _ = 1, over do
      at = all:find('\n', at + 1, true)
    end
    all = string.format('%.0f', all:match('^%d+') + over) .. all:sub(head, kept) .. all:sub(at + 1)
  end
  redis.call('HSET', meta, 'timeline', all)
end

