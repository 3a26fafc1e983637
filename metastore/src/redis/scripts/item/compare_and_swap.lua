-- Writes the next versions of items that have nothing but versions: no time to live, no index entries, no
-- audit, no retention, no jobs to be requested. Each is written if its current version begins as it did
-- when it was read; whatever else there may be is left to update.lua. Uses nothing of common.lua, since
-- each function there is made anew by each call.
--
-- KEYS  for each item: latest, version key of the expected version; then of each collection: the entries of
--       its items in indexes, which this program does not know and another one may
-- ARGV  for each item: what the expected version begins with, its last position in the version, document;
--       then the number of collections
-- Gives {1, numbers of the items, from 1, for which nothing was done}; the others are written.

local call = redis.call
-- As `refuse_if_full` of common.lua.
local full = redis.pcall('SETRANGE', KEYS[1], '0', '')
if type(full) == 'table' and string.find(full.err, '^OOM') then
  return full
end
-- As `forbidden` of common.lua.
for _, command in ipairs({'RENAME', 'SET'}) do
  if redis.acl_check_cmd and not redis.acl_check_cmd(command, KEYS[1], KEYS[1]) then
    return redis.error_reply('NOPERM the user may not call ' .. command .. ' on ' .. KEYS[1] .. ': grant it')
  end
end
local items = (#KEYS - ARGV[#ARGV]) / 2
local indexed = {}
for position = 2 * items + 1, #KEYS do
  if call('EXISTS', KEYS[position]) == 1 then
    indexed[#indexed + 1] = KEYS[position]
  end
end
-- Whether another program keeps an item in indexes, which update.lua takes it out of.
local function has_entries(latest)
  for _, key in ipairs(indexed) do
    -- idx:<a>:entries and <a>:<id>:latest
    local prefix = string.sub(key, 5, -8)
    if string.sub(latest, 1, #prefix) == prefix then
      return redis.pcall('HEXISTS', key, string.sub(latest, #prefix + 1, -8)) ~= 0
    end
  end
  return false
end
local left = {}
for number = 1, items do
  local latest = KEYS[2 * number - 1]
  -- Numbers would be written as floats, which takes longer than the command.
  local start = redis.pcall('GETRANGE', latest, '0', ARGV[3 * number - 1])
  if start == ARGV[3 * number - 2] and call('PTTL', latest) == -1
    and (#indexed == 0 or not has_entries(latest)) then
    call('RENAME', latest, KEYS[2 * number])
    call('SET', latest, ARGV[3 * number])
  else
    left[#left + 1] = number
  end
end
return {1, left}
