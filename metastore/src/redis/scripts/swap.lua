-- Writes the next versions of items that have nothing but versions: no time to live, no index entries, no
-- audit, no retention, no jobs to be requested. Each is written if its current version begins as it did
-- when it was read; whatever else there may be is left to update.lua. Uses nothing of common.lua, since
-- each function there is made anew by each call.
--
-- KEYS  for each item: latest, version key of the expected version
-- ARGV  for each item: what the expected version begins with, its last position in the version, document
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
    return redis.error_reply('NOPERM the user may not call ' .. command .. ' on ' .. KEYS[1])
  end
end
local left = {}
for number = 1, #KEYS / 2 do
  local latest = KEYS[2 * number - 1]
  -- Numbers would be written as floats, which takes longer than the command.
  local start = redis.pcall('GETRANGE', latest, '0', ARGV[3 * number - 1])
  if start == ARGV[3 * number - 2] and call('PTTL', latest) == -1 then
    call('RENAME', latest, KEYS[2 * number])
    call('SET', latest, ARGV[3 * number])
  else
    left[#left + 1] = number
  end
end
return {1, left}
