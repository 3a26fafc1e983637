-- Compares what the indexes hold of some items with what they should hold, and repairs them if
-- asked to.
--
-- KEYS  1 index  2 … sorted sets that may hold the ids of items that have expired
-- ARGV  1 address  2 '1' to repair
--       3 segments of what can be derived from items, separated by spaces
--       4 the time to live of items in ms, '' for none
--       5 … for each item: id, version, commit, time of creation, record of entries as it should
--       be, '' for none; the deadline by that time to live, '-' if the item states one and should
--       have none
-- Returns
--       {DONE, findings} a text for each item: '0' all is right; '1' something was wrong; '2' the
--       item has changed since it was read; '3' the item does not exist; '5' scripts cannot read
--       the document; or '4' and, each after a space, the segments of unique fields whose value
--       another item has, each followed by the id of that item; everything else of such an item is
--       repaired

local index, at, repairs = KEYS[1], ARGV[1], ARGV[2] == '1'

-- A record without the entries of one index.
local function without(record, excluded)
  local kept = {}
  each_entry(record, function(segment, value)
    if segment ~= excluded then
      kept[#kept + 1] = #segment .. ':' .. segment .. #value .. ':' .. value
    end
  end)
  return #kept > 0 and string.sub(record, 1, 12) .. table.concat(kept) or ''
end

local ttl = tonumber(ARGV[4])

-- The deadline that an item should have, if it has another one; nil if it need not change. An item
-- whose deadline would have passed gets the whole time to live from now, so that a check never
-- removes an item.
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

local function check(id, version, commit, created, record, due)
  local latest = latest_key(at, id)
  local found, found_commit, origin = header_of(latest)
  if found == nil then
    if repairs then
      evict_index_entries(at, id, 2)
    end
    return '3'
  elseif found == false then
    return found_commit or '5'
  elseif whole(found) ~= version or found_commit ~= commit then
    return '2'
  end
  local wrong = false
  if redis.call('ZSCORE', index, id) ~= created then
    wrong = true
    if repairs then
      redis.call('ZADD', index, created, id)
    end
  end
  local until_when = other_deadline(redis.call('PTTL', latest), created, due)
  if until_when then
    wrong = true
    if repairs then
      expire_item_at(at, id, found, until_when)
      for segment in string.gmatch(ARGV[3], '%S+') do
        expire_derived_at(at, id, segment, until_when)
      end
    end
  end
  local left = redis.call('PTTL', latest)
  local deadline = redis.call('ZSCORE', expiry_key(at), id)
  if left > 0 and not (deadline and math.abs(tonumber(deadline) - now() - left) < 1000) then
    wrong = true
    if repairs then
      redis.call('ZADD', expiry_key(at), whole(now() + left), id)
    end
  elseif left == -1 and deadline then
    wrong = true
    if repairs then
      redis.call('ZREM', expiry_key(at), id)
    end
  end
  for segment in string.gmatch(ARGV[3], '%S+') do
    local set = segment_key(at, segment)
    local has = has_derived(at, id, segment, origin)
    if has and redis.call('ZSCORE', set, id) ~= created then
      wrong = true
      if repairs then
        redis.call('ZADD', set, created, id)
      end
    elseif not has and repairs then
      -- Queries remove the items whose value has expired, so nothing is wrong.
      redis.call('ZREM', set, id)
    end
  end
  local has_wrong_entries = (redis.call('HGET', entries_key(at), id) or '') ~= record
  for segment, members in pairs((entry_set(record, id))) do
    for member in pairs(members) do
      if not redis.call('ZSCORE', segment_key(at, segment), member) then
        has_wrong_entries = true
      end
    end
  end
  local taken_by = {}
  if has_wrong_entries then
    local plan, taken, holder = plan_entries(at, id, record, true)
    while taken do
      taken_by[#taken_by + 1] = ' ' .. taken .. ' ' .. holder
      record = without(record, taken)
      plan, taken, holder = plan_entries(at, id, record, true)
    end
    if plan and plan.err then
      return plan
    end
    if plan and repairs then
      apply_entries(at, id, plan, 2)
    end
  end
  if #taken_by > 0 then
    return '4' .. table.concat(taken_by)
  end
  return (wrong or has_wrong_entries) and '1' or '0'
end

local wrong = wrong_type(index, 'zset') or wrong_type(expiry_key(at), 'zset')
if wrong then
  return wrong
end
local findings = {}
for position = 5, #ARGV, 6 do
  local finding = check(ARGV[position], ARGV[position + 1], ARGV[position + 2], ARGV[position + 3],
    ARGV[position + 4], ARGV[position + 5])
  if type(finding) == 'table' then
    return finding
  end
  findings[#findings + 1] = finding
end
return {DONE, findings}
