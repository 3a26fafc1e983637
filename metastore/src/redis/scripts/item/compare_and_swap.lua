-- Writes the next versions of items that have nothing but versions: no time to live, no index
-- entries, no audit, no retention, no triggered jobs. Each is written if its current version begins
-- as it did when it was read. The others are left to update.lua.
--
-- KEYS  for each item: latest, version key of the expected version; then for each collection: the
--       entries of its items in indexes, which another program may keep
-- ARGV  for each item: what the expected version begins with, the position of its last byte,
--       document; then the number of collections
-- Returns
--       {DONE, left} `left` are the numbers, from 1, of the items that were not written

local call = redis.call
-- As `refuse_if_full`; a key of another type is left to update.lua.
local full = redis.pcall('SETRANGE', KEYS[1], '0', '')
if type(full) == 'table' and string.find(full.err, '^OOM') then
  return full
end
local wrong = forbidden(KEYS[1], 'RENAME', 'SET')
if wrong then
  return wrong
end
local items = (#KEYS - ARGV[#ARGV]) / 2
local indexed = {}
for position = 2 * items + 1, #KEYS do
  if call('EXISTS', KEYS[position]) == 1 then
    indexed[#indexed + 1] = KEYS[position]
  end
end
-- Whether another program keeps an item in indexes, from which update.lua removes it.
local function has_entries(latest)
  for _, key in ipairs(indexed) do
    local id = id_of_latest_key(address_of_entries_key(key), latest)
    if id then
      return redis.pcall('HEXISTS', key, id) ~= 0
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
return {DONE, left}
