-- Writes the audit entries of items that the transaction around it has created. Those of an item that
-- was not created, or has them already, are left out: what the network delivers twice is told once.
--
-- KEYS  the sorted sets and then the hashes that index the items, then latest and trail of each item
-- ARGV  1 number of sorted sets  2 number of hashes  3 audit, packed, but for the id
--       4 … id, commit and actor of each item
-- Gives {1} done; {0} nothing: an index is of another type, so that not every item is whole, and each
--       is confirmed by `create`.

local sets, indexes = tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[2])
for position = 1, indexes do
  if wrong_type(KEYS[position], position <= sets and 'zset' or 'hash') then
    return {0}
  end
end
local key = indexes + 1
for position = 4, #ARGV, 3 do
  local _, commit = head_of(KEYS[key])
  if commit == ARGV[position + 1] and redis.call('EXISTS', KEYS[key + 1]) == 0 then
    audit(ARGV[3] .. ARGV[position], KEYS[key + 1], 'create', 1, commit, ARGV[position + 2])
  end
  key = key + 2
end
return {1}
