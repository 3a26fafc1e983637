-- Finds records of entries whose items do not exist, or are not in the index of all items, and
-- repairs them if asked to.
--
-- KEYS  1 index  2 … sorted sets that may hold the ids of items that have expired
-- ARGV  1 address  2 '1' to repair  3 cursor of HSCAN, '0' for the beginning
-- Returns
--       {DONE, number of strays, next cursor} '0' at the end; 'again' to begin once more

local index, at, repairs = KEYS[1], ARGV[1], ARGV[2] == '1'
local page = redis.call('HSCAN', entries_key(at), ARGV[3], 'COUNT', 200)
local strays = 0
for number = 1, #page[2], 2 do
  local id, record = page[2][number], page[2][number + 1]
  if redis.call('EXISTS', latest_key(at, id)) == 0 then
    strays = strays + 1
    if repairs then
      evict_index_entries(at, id, 2)
    end
  elseif not redis.call('ZSCORE', index, id) then
    strays = strays + 1
    local created = tonumber(string.match(record, '^%x%x%x%x%x%x%x%x%x%x%x%x') or '', 16)
    if repairs and created then
      redis.call('ZADD', index, whole(created), id)
    end
  end
  if repairs and entry_bytes > MAX_ENTRY_BYTES then
    -- The same page again: what was repaired is not found again.
    return {DONE, strays, ARGV[3] == '0' and 'again' or ARGV[3]}
  end
end
return {DONE, strays, page[1]}
