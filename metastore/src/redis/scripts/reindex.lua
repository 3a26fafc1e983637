-- Holds what the indexes have of some items against what they should have, and mends it if asked to.
--
-- KEYS  1 index  2 … sorted sets that may hold the ids of items that have expired
-- ARGV  1 what item keys begin with  2 '1' to mend
--       3 derived values that items can have, separated by spaces
--       4 … for each item: id, version, commit, creation time, entries as they should be, '' for none
-- Gives {1, findings}: for each item 0 all is right, 1 something was wrong, 2 the item has changed since
--       it was read, 3 the item is gone, 4 another item has the value of a unique field.

local index, prefix, mend = KEYS[1], ARGV[1], ARGV[2] == '1'

local function look(id, version, commit, created, entries)
  local latest = prefix .. id .. ':latest'
  local found, found_commit = head_of(latest)
  if found == nil then
    if mend then
      forget(index, id, 2)
    end
    return 3
  end
  if found == false or whole(found) ~= version or found_commit ~= commit then
    return 2
  end
  local wrong = false
  if redis.call('ZSCORE', index, id) ~= created then
    wrong = true
    if mend then
      redis.call('ZADD', index, created, id)
    end
  end
  local left = redis.call('PTTL', latest)
  local deadline = redis.call('ZSCORE', index .. ':expiry', id)
  if left > 0 and not (deadline and math.abs(tonumber(deadline) - now() - left) < 1000) then
    wrong = true
    if mend then
      redis.call('ZADD', index .. ':expiry', whole(now() + left), id)
    end
  elseif left == -1 and deadline then
    wrong = true
    if mend then
      redis.call('ZREM', index .. ':expiry', id)
    end
  end
  local _, origin = item_of(latest)
  for derived in string.gmatch(ARGV[3], '%S+') do
    local set = index .. ':' .. derived
    local has = has_derived(prefix .. id, derived, origin)
    if has and redis.call('ZSCORE', set, id) ~= created then
      wrong = true
      if mend then
        redis.call('ZADD', set, created, id)
      end
    elseif not has and mend then
      -- What has expired by itself is taken off the list by whoever reads it: nothing is wrong.
      redis.call('ZREM', set, id)
    end
  end
  local kept = redis.call('HGET', index .. ':entries', id) or ''
  if kept ~= entries then
    wrong = true
  end
  for name, members in pairs(entry_set(entries, id)) do
    for member in pairs(members) do
      if not redis.call('ZSCORE', index .. ':' .. name, member) then
        wrong = true
      end
    end
  end
  if wrong and mend then
    if kept == entries then
      -- The members alone are missing; without the record all of them are written again.
      redis.call('HDEL', index .. ':entries', id)
    end
    local plan, taken = plan_entries(index, prefix, id, entries)
    if taken then
      if kept == entries and kept ~= '' then
        redis.call('HSET', index .. ':entries', id, kept)
      end
      return 4
    end
    if plan then
      apply_entries(index, id, plan, 2)
    end
  end
  return wrong and 1 or 0
end

local findings = {}
for position = 4, #ARGV, 5 do
  findings[#findings + 1] = look(ARGV[position], ARGV[position + 1], ARGV[position + 2],
    ARGV[position + 3], ARGV[position + 4])
end
return {1, findings}
