-- Writes the next versions of items that have nothing but versions: no time to live, no index entries, no
-- audit, no retention, no jobs to be requested. Each is written if its current version begins as it did
-- when it was read; whatever else there may be is left to update.lua. Uses nothing of common.lua, since
-- each function there is made anew by each call.
--
-- KEYS  for each item: latest, version key of the expected version
-- ARGV  for each item: what the expected version begins with, document
-- Gives {1, verdicts}, for each item: 1 written; 0 nothing was done.

-- As `refuse_if_full` of common.lua.
local full = redis.pcall('SETRANGE', KEYS[1], 0, '')
if type(full) == 'table' and string.find(full.err, '^OOM') then
  return full
end
local verdicts = {}
for at = 1, #KEYS, 2 do
  local latest, expected = KEYS[at], ARGV[at]
  local verdict = 0
  if redis.pcall('GETRANGE', latest, 0, #expected - 1) == expected and redis.call('PTTL', latest) == -1 then
    redis.call('RENAME', latest, KEYS[at + 1])
    redis.call('SET', latest, ARGV[at + 1])
    verdict = 1
  end
  verdicts[#verdicts + 1] = verdict
end
return {1, verdicts}
