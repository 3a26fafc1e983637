-- What the scripts that keep or read indexes use; put in front of each of them, behind common.lua.
-- An item's entries are kept in a hash as entries.rs writes them, so that exactly what was written for
-- it can be removed, whatever the struct looks like by then. `index` is the key of the index of all
-- items, which the keys of the others begin with.

-- What one call looks at of the items' records of entries, and removes of them, is bounded by their bytes, so
-- that it holds up nobody for long, however many entries an item has.
local MAX_ENTRY_BYTES = 131072
local entry_bytes = 0

-- The part of a record that begins at `at` with its length, and where the next one begins: nil if there is
-- none.
local function part_at(entries, at)
  local _, colon, length = string.find(entries, '^(%d%d?%d?%d?%d?%d?%d?):', at)
  if not colon or colon + length > #entries then
    return nil
  end
  return string.sub(entries, colon + 1, colon + length), colon + length + 1
end

-- Whether a name is that of an index of values, so that nothing else is written to.
local function is_index(name)
  return name == 'owner' or string.find(name, '^by:.') or string.find(name, '^each:.')
    or string.find(name, '^unique:.') or string.find(name, '^held:.')
end

-- Calls use(name of the index, value) for each of an item's entries, until it gives true. Says whether the
-- record makes sense as far as it was read; one that somebody has damaged may not.
local function each_entry(entries, use)
  entry_bytes = entry_bytes + #entries
  if entries ~= '' and not string.find(entries, '^%x%x%x%x%x%x%x%x%x%x%x%x') then
    return false
  end
  local at = 13
  while at <= #entries do
    local name, value
    name, at = part_at(entries, at)
    if not name or not is_index(name) then
      return false
    end
    value, at = part_at(entries, at)
    if not value then
      return false
    end
    if use(name, value) then
      return true
    end
  end
  return true
end

-- The entries by index and member, and whether the record makes sense; if it does not, those before the
-- damage.
local function entry_set(entries, id)
  local set = {}
  local ending = '\0' .. string.sub(entries, 1, 12) .. id
  local whole_record = each_entry(entries, function(name, value)
    set[name] = set[name] or {}
    set[name][value .. ending] = value
  end)
  return set, whole_record
end

-- Whether `a` stands before `b`, byte by byte; Lua's own `<` goes by the server's language.
local function before(a, b)
  for at = 1, math.min(#a, #b) do
    local x, y = string.byte(a, at), string.byte(b, at)
    if x ~= y then
      return x < y
    end
  end
  return #a < #b
end

-- The value and the id in a member of an index.
local function parts_of(member)
  local at, _, id = string.find(member, '%z%x%x%x%x%x%x%x%x%x%x%x%x([^%z]+)$')
  return at and string.sub(member, 1, at - 1), id
end

-- Whether an item's record holds the entry of a member in the index with this name.
local function has_entry(entries, name, member)
  local value, id = parts_of(member)
  -- The time of creation stands before the id.
  if not value or string.sub(member, #value + 2, #member - #id) ~= string.sub(entries, 1, 12) then
    return false
  end
  entry_bytes = entry_bytes + #entries / 16
  return string.find(entries, #name .. ':' .. name .. #value .. ':' .. value, 13, true) ~= nil
end

-- Removes what the indexes hold of an item. What is behind a damage of its record stays, and is removed by
-- whoever meets it.
local function drop_entries(index, id)
  local entries = redis.call('HGET', index .. ':entries', id)
  if entries then
    for name, members in pairs((entry_set(entries, id))) do
      for member in pairs(members) do
        redis.pcall('ZREM', index .. ':' .. name, member)
      end
    end
    redis.call('HDEL', index .. ':entries', id)
  end
end

-- The error if `drop_entries` could not remove all of them.
local function wrong_entries(index, id)
  local key = index .. ':entries'
  local wrong = wrong_type(key, 'hash')
  local entries = not wrong and redis.call('HGET', key, id)
  if entries then
    for name in pairs(entry_set(entries, id)) do
      wrong = wrong or wrong_type(index .. ':' .. name, 'zset')
    end
  end
  return wrong
end

-- Removes an item that is gone from all indexes, and from the sorted sets KEYS[first] and after. Says
-- whether it had to stay: on a replica, which takes no writes, or where the user may not write. Never fails.
local function forget(index, id, first)
  local removed = redis.pcall('ZREM', index .. ':expiry', id)
  if type(removed) == 'table' or not pcall(drop_entries, index, id) then
    return true
  end
  for position = first, #KEYS do
    redis.pcall('ZREM', KEYS[position], id)
  end
  -- Last, because who looks through the index comes back as long as it is there.
  return type(redis.pcall('ZREM', index, id)) == 'table'
end

-- Whether an item with this origin has a derived value, named as its key ends: 'mutation:…' or
-- 'transformation:…'. What begins its keys is given with its id. What is left of an earlier item with the id
-- is not the item's.
local function has_derived(item, derived, origin)
  local key = item .. ':' .. derived
  if not origin then
    -- A damaged document does not tell whose values these are.
    return redis.call('EXISTS', key) == 1
  end
  if string.sub(derived, 1, 9) == 'mutation:' then
    local start = redis.pcall('GETRANGE', key, '0', '127')
    return type(start) == 'string'
      and string.match(start, '^{"version":%d+,"commit":"%w+","origin":"([^"]*)"') == origin
  end
  local found = redis.pcall('HMGET', key, 'result', 'result_until', 'origin')
  return found[1] and found[3] == origin and not (found[2] and number_in(found[2], 0) <= now())
end

-- Forgets up to 500 items whose deadline has passed, fewer if they have very many entries. Says whether
-- there may be more.
local function reap(index, first)
  local passed =
    redis.call('ZRANGEBYSCORE', index .. ':expiry', '-inf', whole(now()), 'LIMIT', 0, 500)
  for _, id in ipairs(passed) do
    if forget(index, id, first) then
      return false
    end
    if entry_bytes > MAX_ENTRY_BYTES then
      return true
    end
  end
  return #passed == 500
end

-- Adds to the entries of an item those unique values that its writer does not know to be unique, so that no
-- other item can take them: as entries of `held:<field>`, since nobody knows whether the item still has them.
-- They no longer count in `unique:<field>`, which shows that it is incomplete.
local function with_held(old, new, from, to)
  for name, members in pairs(from) do
    local field = string.match(name, '^unique:(.*)$') or string.match(name, '^held:(.*)$')
    if field and not to['unique:' .. field] then
      local held = 'held:' .. field
      for member, value in pairs(members) do
        -- No value, which stands as 0, is nobody's; and it may be held already.
        if value ~= '0' and not (to[held] and to[held][member]) then
          to[held] = to[held] or {}
          to[held][member] = value
          new = (new ~= '' and new or string.sub(old, 1, 12)) .. #held .. ':' .. held .. #value .. ':' .. value
        end
      end
    end
  end
  return new
end

-- What is to change so that the indexes hold `new` of an item instead of what they hold now: nil for
-- nothing. With `anew`, all of it is written, whatever its record says; with `hold`, unique values of fields
-- that are in no index of `new` are held for the item. Gives an error in its place if one of the keys holds
-- another type of value, and the name of an index in its second place if another item has a value there that
-- must be unique, and the id of that one in its third.
local function plan_entries(index, prefix, id, new, anew, hold)
  local key = index .. ':entries'
  local wrong = wrong_type(key, 'hash')
  if wrong then
    return wrong
  end
  local old = redis.call('HGET', key, id) or ''
  if old == new and not anew then
    return nil
  end
  local from, is_sound = entry_set(old, id)
  local to = entry_set(new, id)
  if hold then
    new = with_held(old, new, from, to)
    if old == new and not anew then
      return nil
    end
  end
  local plan = {entries = new, remove = {}, add = {}, gone = {}}
  for name, members in pairs(from) do
    for member in pairs(members) do
      if not (to[name] and to[name][member]) then
        wrong = wrong or wrong_type(index .. ':' .. name, 'zset')
        plan.remove[#plan.remove + 1] = {index .. ':' .. name, member}
      end
    end
  end
  for name, members in pairs(to) do
    local set = index .. ':' .. name
    wrong = wrong or wrong_type(set, 'zset')
    if wrong then
      return wrong
    end
    for member, value in pairs(members) do
      -- A damaged record does not tell what is there.
      if not (is_sound and not anew and from[name] and from[name][member]) then
        plan.add[#plan.add + 1] = {set, member}
        -- No value, which stands as 0, may be shared.
        if string.sub(name, 1, 7) == 'unique:' and value ~= '0' then
          local field = string.sub(name, 8)
          for _, claims in ipairs({set, index .. ':held:' .. field}) do
            local holders = redis.call('ZRANGEBYLEX', claims, '[' .. value .. '\0', '(' .. value .. '\0g',
              'LIMIT', 0, 100)
            for _, holder in ipairs(holders) do
              local _, other = parts_of(holder)
              if other ~= id then
                if other and redis.call('EXISTS', prefix .. other .. ':latest') == 1 then
                  return nil, name, other
                end
                -- Also what is no member that this library writes.
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

-- Carries out a plan. `first` is the first of the sorted sets that may hold the ids of gone items.
local function apply_entries(index, id, plan, first)
  for _, other in ipairs(plan.gone) do
    forget(index, other, first)
  end
  for _, entry in ipairs(plan.remove) do
    redis.pcall('ZREM', entry[1], entry[2])
  end
  for _, entry in ipairs(plan.add) do
    redis.call('ZADD', entry[1], '0', entry[2])
  end
  if plan.entries == '' then
    redis.call('HDEL', index .. ':entries', id)
  else
    redis.call('HSET', index .. ':entries', id, plan.entries)
  end
end
