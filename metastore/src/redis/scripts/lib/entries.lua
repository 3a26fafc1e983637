-- The indexes of values. What they hold of an item is kept in its record of entries, a field of a
-- hash, as index/entries.rs writes it. So exactly what was written for an item can be removed, also
-- by a program with another definition of the collection. A record is the time of creation in 12
-- hexadecimal digits and the segment and the value of each entry, as parts. The member of an index
-- is the value, a zero byte, the time and the id.

-- What one call reads of records and removes of their entries is bounded by bytes, so that it does
-- not block the server for long, however many entries an item has.
local MAX_ENTRY_BYTES = 131072

local entry_bytes = 0

-- Calls use(segment, value) for each entry of a record, until it returns true. Returns whether the
-- record is valid as far as it was read.
local function each_entry(record, use)
  entry_bytes = entry_bytes + #record
  if record ~= '' and not string.find(record, '^%x%x%x%x%x%x%x%x%x%x%x%x') then
    return false
  end
  local at = 13
  while at <= #record do
    local segment, value
    segment, at = part_at(record, at)
    if not segment or not is_value_segment(segment) then
      return false
    end
    value, at = part_at(record, at)
    if not value then
      return false
    end
    if use(segment, value) then
      return true
    end
  end
  return true
end

-- The values of a record by segment and member, and whether the record is valid; if it is not,
-- those before the damage.
local function entry_set(record, id)
  local set = {}
  local ending = '\0' .. string.sub(record, 1, 12) .. id
  local is_valid = each_entry(record, function(segment, value)
    set[segment] = set[segment] or {}
    set[segment][value .. ending] = value
  end)
  return set, is_valid
end

-- Whether `a` is less than `b`, byte by byte. The operator `<` depends on the server's locale.
local function is_less(a, b)
  for at = 1, math.min(#a, #b) do
    local x, y = string.byte(a, at), string.byte(b, at)
    if x ~= y then
      return x < y
    end
  end
  return #a < #b
end

-- The value and the id in a member of an index; nil if it is not one that this library writes.
local function parse_member(member)
  local at, _, id = string.find(member, '%z%x%x%x%x%x%x%x%x%x%x%x%x([^%z]+)$')
  return at and string.sub(member, 1, at - 1), id
end

-- Whether the record of an item has the entry of a member of an index.
local function has_entry(record, segment, member)
  local value, id = parse_member(member)
  -- The time of creation precedes the id.
  if not value or string.sub(member, #value + 2, #member - #id) ~= string.sub(record, 1, 12) then
    return false
  end
  entry_bytes = entry_bytes + #record / 16
  return string.find(record, #segment .. ':' .. segment .. #value .. ':' .. value, 13, true) ~= nil
end

-- Removes the entries of an item. Those behind a damage of its record are left to the scripts that
-- find them in an index.
local function drop_entries(at, id)
  local record = redis.call('HGET', entries_key(at), id)
  if record then
    for segment, members in pairs((entry_set(record, id))) do
      for member in pairs(members) do
        redis.pcall('ZREM', segment_key(at, segment), member)
      end
    end
    redis.call('HDEL', entries_key(at), id)
  end
end

-- The error if `drop_entries` cannot remove all of them.
local function wrong_entries(at, id)
  local key = entries_key(at)
  local wrong = wrong_type(key, 'hash')
  local record = not wrong and redis.call('HGET', key, id)
  if record then
    for segment in pairs(entry_set(record, id)) do
      wrong = wrong or wrong_type(segment_key(at, segment), 'zset')
    end
  end
  return wrong
end

-- Removes an item that no longer exists from all indexes and from the sorted sets KEYS[first] and
-- after. Returns whether it had to stay: on a replica, which accepts no writes, or where the user
-- may not write. Never fails.
local function evict_index_entries(at, id, first)
  local removed = redis.pcall('ZREM', expiry_key(at), id)
  if type(removed) == 'table' or not pcall(drop_entries, at, id) then
    return true
  end
  for position = first, #KEYS do
    redis.pcall('ZREM', KEYS[position], id)
  end
  -- Last, because a script that reads the index evicts the item again as long as it is there.
  return type(redis.pcall('ZREM', index_key(at), id)) == 'table'
end

-- The ids of up to 500 items whose deadline has passed.
local function expired_ids(at)
  return redis.call('ZRANGEBYSCORE', expiry_key(at), '-inf', whole(now()), 'LIMIT', 0, 500)
end

-- Evicts up to 500 items whose deadline has passed, fewer if they have very many entries. Returns
-- whether there may be more.
local function reap_expired(at, first)
  local expired = expired_ids(at)
  for _, id in ipairs(expired) do
    if evict_index_entries(at, id, first) then
      return false
    end
    if entry_bytes > MAX_ENTRY_BYTES then
      return true
    end
  end
  return #expired == 500
end

-- Whether an item with this origin has a derived value. A value of an earlier item with the id does
-- not count.
local function has_derived(at, id, segment, origin)
  local key = derived_key(at, id, segment)
  if not origin then
    -- The document is damaged, so the item of the value is not known.
    return redis.call('EXISTS', key) == 1
  end
  if derived_kind(segment) == 'mutation' then
    local _, _, of = result_header_of(key)
    return of == origin
  end
  local text = redis.pcall('GETRANGE', key, '0', '8191')
  local last = type(text) == 'string' and parse_record(text).last
  return last and last.origin == origin and (result_until(text) or math.huge) > now()
end

-- Adds to a record those unique values that its writer does not know to be unique, so that no other
-- item can take them: as entries of `held:<field>`, since the item may no longer have them. They
-- are not counted in `unique:<field>`, whose size then shows that it is incomplete.
local function with_held(old, new, from, to)
  for segment, members in pairs(from) do
    local field = unique_field(segment) or held_field(segment)
    if field and not to[unique_segment(field)] then
      local held = held_segment(field)
      for member, value in pairs(members) do
        -- '0' is no value, which any number of items can have; and a value may already be held.
        if value ~= '0' and not (to[held] and to[held][member]) then
          to[held] = to[held] or {}
          to[held][member] = value
          new = (new ~= '' and new or string.sub(old, 1, 12))
            .. #held .. ':' .. held .. #value .. ':' .. value
        end
      end
    end
  end
  return new
end

-- What to change so that the indexes hold the record `new` of an item instead of the present one;
-- nil for nothing. With `rewrites`, all of it is written, whatever the present record says; with
-- `holds`, unique values of fields that are in no index of `new` are held for the item. Returns an
-- error in the place of the plan if one of the keys holds another type of value; and in the second
-- place the segment of a unique field whose value another item has, and in the third place the id
-- of that item.
local function plan_entries(at, id, new, rewrites, holds)
  local key = entries_key(at)
  local wrong = wrong_type(key, 'hash')
  if wrong then
    return wrong
  end
  local old = redis.call('HGET', key, id) or ''
  if old == new and not rewrites then
    return nil
  end
  local from, is_valid = entry_set(old, id)
  local to = entry_set(new, id)
  if holds then
    new = with_held(old, new, from, to)
    if old == new and not rewrites then
      return nil
    end
  end
  local plan = {record = new, remove = {}, add = {}, gone = {}}
  for segment, members in pairs(from) do
    for member in pairs(members) do
      if not (to[segment] and to[segment][member]) then
        wrong = wrong or wrong_type(segment_key(at, segment), 'zset')
        plan.remove[#plan.remove + 1] = {segment_key(at, segment), member}
      end
    end
  end
  for segment, members in pairs(to) do
    local set, field = segment_key(at, segment), unique_field(segment)
    wrong = wrong or wrong_type(set, 'zset')
    if wrong then
      return wrong
    end
    for member, value in pairs(members) do
      -- A damaged record does not say what the indexes hold.
      if not (is_valid and not rewrites and from[segment] and from[segment][member]) then
        plan.add[#plan.add + 1] = {set, member}
        -- '0' is no value, which any number of items can have.
        if field and value ~= '0' then
          for _, claims in ipairs({set, segment_key(at, held_segment(field))}) do
            local first, last = '[' .. value .. '\0', '(' .. value .. '\0g'
            local holders = redis.call('ZRANGEBYLEX', claims, first, last, 'LIMIT', 0, 100)
            for _, holder in ipairs(holders) do
              local _, other = parse_member(holder)
              if other ~= id then
                if other and redis.call('EXISTS', latest_key(at, other)) == 1 then
                  return nil, segment, other
                end
                -- Also members that this library does not write.
                plan.remove[#plan.remove + 1] = {claims, holder}
                plan.gone[#plan.gone + 1] = other
              end
            end
          end
        end
      end
    end
  end
  return wrong or plan
end

-- Applies a plan. `first` is the first of KEYS that may hold the ids of items that no longer exist.
local function apply_entries(at, id, plan, first)
  for _, other in ipairs(plan.gone) do
    evict_index_entries(at, other, first)
  end
  for _, entry in ipairs(plan.remove) do
    redis.pcall('ZREM', entry[1], entry[2])
  end
  for _, entry in ipairs(plan.add) do
    redis.call('ZADD', entry[1], '0', entry[2])
  end
  if plan.record == '' then
    redis.call('HDEL', entries_key(at), id)
  else
    redis.call('HSET', entries_key(at), id, plan.record)
  end
end
