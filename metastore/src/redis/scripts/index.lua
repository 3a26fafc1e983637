-- What the scripts that keep or read indexes use; put in front of each of them, behind common.lua.
-- An item's entries are kept in a hash as entries.rs writes them, so that exactly what was written for
-- it can be removed, whatever the struct looks like by then. `index` is the key of the index of all
-- items, which the keys of the others begin with.

-- Calls use(name of the index, value) for each of an item's entries.
local function each_entry(entries, use)
  local at = 13
  while at <= #entries do
    local _, colon, length = string.find(entries, '^(%d+):', at)
    local name = string.sub(entries, colon + 1, colon + length)
    at = colon + length + 1
    _, colon, length = string.find(entries, '^(%d+):', at)
    use(name, string.sub(entries, colon + 1, colon + length))
    at = colon + length + 1
  end
end

-- The entries by index and member; those of one index alone if `only` names it.
local function entry_set(entries, id, only)
  local set = {}
  if only then
    set[only] = {}
  end
  local ending = '\0' .. string.sub(entries, 1, 12) .. id
  each_entry(entries, function(name, value)
    if not only or only == name then
      set[name] = set[name] or {}
      set[name][value .. ending] = value
    end
  end)
  return set
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

-- Removes what the indexes hold of an item.
local function drop_entries(index, id)
  local entries = redis.call('HGET', index .. ':entries', id)
  if entries then
    for name, members in pairs(entry_set(entries, id)) do
      for member in pairs(members) do
        redis.call('ZREM', index .. ':' .. name, member)
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
  if string.sub(derived, 1, 9) == 'mutation:' then
    local start = redis.pcall('GETRANGE', key, '0', '127')
    return type(start) == 'string'
      and string.match(start, '^{"version":%d+,"commit":"%w+","origin":"([^"]*)"') == origin
  end
  local found = redis.pcall('HMGET', key, 'result', 'result_until', 'origin')
  return found[1] and found[3] == origin and not (found[2] and tonumber(found[2]) <= now())
end

-- Forgets up to 500 items whose deadline has passed. Says whether there may be more.
local function reap(index, first)
  local passed =
    redis.call('ZRANGEBYSCORE', index .. ':expiry', '-inf', whole(now()), 'LIMIT', 0, 500)
  for _, id in ipairs(passed) do
    if forget(index, id, first) then
      return false
    end
  end
  return #passed == 500
end

-- What is to change so that the indexes hold `new` of an item instead of what they hold now: nil for
-- nothing. Gives an error in its place if one of the keys holds another type of value, and the name of
-- an index in its second place if another item has a value there that must be unique.
local function plan_entries(index, prefix, id, new)
  local key = index .. ':entries'
  local wrong = wrong_type(key, 'hash')
  if wrong then
    return wrong
  end
  local old = redis.call('HGET', key, id) or ''
  if old == new then
    return nil
  end
  local from, to = entry_set(old, id), entry_set(new, id)
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
      if not (from[name] and from[name][member]) then
        plan.add[#plan.add + 1] = {set, member}
        -- No value, which stands as 0, may be shared.
        if string.sub(name, 1, 7) == 'unique:' and value ~= '0' then
          local holders =
            redis.call('ZRANGEBYLEX', set, '[' .. value .. '\0', '(' .. value .. '\0g', 'LIMIT', 0, 100)
          for _, holder in ipairs(holders) do
            local _, other = parts_of(holder)
            if other ~= id then
              if redis.call('EXISTS', prefix .. other .. ':latest') == 1 then
                return nil, name
              end
              plan.gone[#plan.gone + 1] = other
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
    redis.call('ZREM', entry[1], entry[2])
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
