-- Holds what the indexes have of some items against what they should have, and mends it if asked to.
--
-- KEYS  1 index  2 … sorted sets that may hold the ids of items that have expired
-- ARGV  1 what item keys begin with  2 '1' to mend
--       3 derived values that items can have, separated by spaces
--       4 the time to live of items in ms, '' for none
--       5 … for each item: id, version, commit, creation time, entries as they should be, '' for none;
--       the deadline that it would have by that time to live, '-' if it states one and should have none
-- Gives {1, findings}, one text for each item: '0' all is right, '1' something was wrong, '2' the item has
--       changed since it was read, '3' the item is gone, '5' the document cannot be read by scripts; or '4'
--       and, each after a space, the names of the indexes of unique fields whose value another item has,
--       each followed by the id of that one. Everything else of such an item is mended.

local index, prefix, mend = KEYS[1], ARGV[1], ARGV[2] == '1'

-- The same entries but for those of one index.
local function without(entries, excluded)
  local kept = {}
  each_entry(entries, function(name, value)
    if name ~= excluded then
      kept[#kept + 1] = #name .. ':' .. name .. #value .. ':' .. value
    end
  end)
  return #kept > 0 and string.sub(entries, 1, 12) .. table.concat(kept) or ''
end

local ttl = tonumber(ARGV[4])

-- The deadline that an item should have, if it has another one; nil if it need not change. An item that
-- would have ended by now has its whole time to live before it: nothing dies by being looked at.
local function other_deadline(left, created, due)
  if not ttl then
    return due == '-' and '' or nil
  end
  local time = now()
  -- A renewed item lives longer than by its last write.
  if left > 0 and left <= ttl + 60000 and time + left >= tonumber(created) + ttl - 1000 then
    return nil
  end
  return whole(tonumber(due) > time and tonumber(due) or time + ttl)
end

local function look(id, version, commit, created, entries, due)
  local latest = prefix .. id .. ':latest'
  local found, found_commit = head_of(latest)
  if found == nil then
    if mend then
      forget(index, id, 2)
    end
    return '3'
  elseif found == false then
    return '5'
  elseif whole(found) ~= version or found_commit ~= commit then
    return '2'
  end
  local wrong = false
  if redis.call('ZSCORE', index, id) ~= created then
    wrong = true
    if mend then
      redis.call('ZADD', index, created, id)
    end
  end
  local until_when = other_deadline(redis.call('PTTL', latest), created, due)
  if until_when then
    wrong = true
    if mend then
      item_until(index, id, prefix .. id, found, until_when)
      for derived in string.gmatch(ARGV[3], '%S+') do
        derived_until(prefix .. id .. ':' .. derived, until_when)
      end
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
  local wrong_entries = (redis.call('HGET', index .. ':entries', id) or '') ~= entries
  for name, members in pairs((entry_set(entries, id))) do
    for member in pairs(members) do
      if not redis.call('ZSCORE', index .. ':' .. name, member) then
        wrong_entries = true
      end
    end
  end
  local taken_by = {}
  if wrong_entries then
    local plan, taken, holder = plan_entries(index, prefix, id, entries, true)
    while taken do
      taken_by[#taken_by + 1] = ' ' .. taken .. ' ' .. holder
      entries = without(entries, taken)
      plan, taken, holder = plan_entries(index, prefix, id, entries, true)
    end
    if plan and plan.err then
      return plan
    end
    if plan and mend then
      apply_entries(index, id, plan, 2)
    end
  end
  if #taken_by > 0 then
    return '4' .. table.concat(taken_by)
  end
  return (wrong or wrong_entries) and '1' or '0'
end

for _, name in ipairs({'', ':expiry'}) do
  local wrong = wrong_type(index .. name, 'zset')
  if wrong then
    return wrong
  end
end
local findings = {}
for position = 5, #ARGV, 6 do
  local finding = look(ARGV[position], ARGV[position + 1], ARGV[position + 2], ARGV[position + 3],
    ARGV[position + 4], ARGV[position + 5])
  if type(finding) == 'table' then
    return finding
  end
  findings[#findings + 1] = finding
end
return {1, findings}
