-- Looks through what is kept of the items' index entries for items that are gone, or that the index of
-- all items does not have, and mends it if asked to.
--
-- KEYS  1 index  2 … sorted sets that may hold the ids of items that have expired
-- ARGV  1 what item keys begin with  2 '1' to mend  3 cursor of HSCAN, '0' for the beginning
-- Gives {1, number of strays, next cursor, '0' at the end}.

local index, prefix, mend = KEYS[1], ARGV[1], ARGV[2] == '1'
local page = redis.call('HSCAN', index .. ':entries', ARGV[3], 'COUNT', 200)
local strays = 0
for at = 1, #page[2], 2 do
  local id, entries = page[2][at], page[2][at + 1]
  if redis.call('EXISTS', prefix .. id .. ':latest') == 0 then
    strays = strays + 1
    if mend then
      forget(index, id, 2)
    end
  elseif not redis.call('ZSCORE', index, id) then
    strays = strays + 1
    local created = tonumber(string.match(entries, '^%x%x%x%x%x%x%x%x%x%x%x%x') or '', 16)
    if mend and created then
      redis.call('ZADD', index, whole(created), id)
    end
  end
  if mend and entry_bytes > MAX_ENTRY_BYTES then
    -- The same page again: what was mended is not met any more.
    return {1, strays, ARGV[3] == '0' and 'again' or ARGV[3]}
  end
end
return {1, strays, page[1]}
