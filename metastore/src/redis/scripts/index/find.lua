-- A page of items in the order of an index: of all items by creation, or of one field by its values.
-- Forgets what it passes of items that have expired, so that they are in no page and no count.
--
-- KEYS  1 index  2 … sorted sets that may hold the ids of items that have expired
-- ARGV  1 what is asked for: 'documents', 'ids' or 'count'
--       2 what item keys begin with  3 name of the index to walk, '' for that of all items; a derived
--       value for the list of items that have it
--       4 '1' to walk it backwards  5 lower and  6 upper bound in the index of a field
--       7 position to go on behind, '' for the beginning  8 number of items to leave out
--       9 limit  10 derived values that each item must have, separated by spaces
--       11 number of indexes that must be complete, then their names
--       … for each further condition: name of the index, lower bound, upper bound
-- A position is a member of a field's index, or creation time, ' ' and id in the index of all items.
-- Gives {1, rows or ids or number, position of the last one looked at, '1' if there may be more, number
--          still to be left out}; rows are ids with their documents, or in the place of a document 0 if
--          the item's record of entries is damaged, so that it cannot be told whether it meets all
--          conditions, 1 if its key holds another type of value;
--       {0} more have expired than one call forgets: ask again;
--       {-1, index, indexed, items} an index does not hold all items.

local index, what, prefix, name = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local backwards = ARGV[4] == '1'
if reap(index, 2) then
  return {0}
end

local next_argument = 12
local items = redis.call('ZCARD', index)
for _ = 1, tonumber(ARGV[11]) do
  local indexed = redis.call('ZCARD', index .. ':' .. ARGV[next_argument])
  if indexed < items then
    return {-1, ARGV[next_argument], indexed, items}
  end
  next_argument = next_argument + 1
end
local conditions = {}
while next_argument < #ARGV do
  conditions[#conditions + 1] =
    {name = ARGV[next_argument], lower = ARGV[next_argument + 1], upper = ARGV[next_argument + 2]}
  next_argument = next_argument + 3
end

local derived = {}
for one in string.gmatch(ARGV[10], '%S+') do
  derived[#derived + 1] = one
end
local position = ARGV[7]
if what == 'count' and #conditions == 0 and #derived == 0 and position == '' then
  -- A replica cannot forget what has expired, so it does not count it either.
  local expired = redis.call('ZCOUNT', index .. ':expiry', '-inf', whole(now()))
  if name == '' then
    return {1, items - expired, '', '0', '0'}
  end
  if expired == 0 then
    return {1, redis.call('ZLEXCOUNT', index .. ':' .. name, '[' .. ARGV[5], '(' .. ARGV[6]), '', '0', '0'}
  end
end

-- Whether the entries of an item meet all further conditions; nil if they are damaged.
local function meets_all(entries)
  local met, open = {}, #conditions
  local is_sound = each_entry(entries, function(entry, value)
    for number, condition in ipairs(conditions) do
      if entry == condition.name and not met[number] then
        local ended = value .. '\0'
        if not before(ended, condition.lower) and before(ended, condition.upper) then
          met[number] = true
          open = open - 1
        end
      end
    end
    return open == 0
  end)
  if is_sound then
    return open == 0
  end
end

-- Whether an item has all derived values; one that it had is taken off the list. Says in its second place
-- whether the item is in the list that is walked no more.
local function has_all(id)
  local _, origin = item_of(prefix .. id .. ':latest')
  for _, one in ipairs(derived) do
    if not has_derived(prefix .. id, one, origin) then
      local removed = redis.pcall('ZREM', index .. ':' .. one, id)
      return false, one == name and removed == 1
    end
  end
  return true
end

local found, bytes, count = {}, 0, 0
local limit, leave_out = tonumber(ARGV[9]), tonumber(ARGV[8])

local function give(id, document)
  found[#found + 1] = id
  found[#found + 1] = document
  bytes = bytes + (type(document) == 'string' and #document or 0)
end

-- Looks at one item. Says whether it stays in the index.
local function visit(id, entries)
  local latest = prefix .. id .. ':latest'
  local is_damaged = false
  if #conditions > 0 then
    local meets = meets_all(entries or '')
    if not meets then
      if redis.call('EXISTS', latest) == 0 then
        return forget(index, id, 2)
      end
      -- One without entries meets no condition; one whose entries are damaged may.
      if meets == false then
        return true
      end
      is_damaged = true
    end
  end
  if #derived > 0 and redis.call('EXISTS', latest) == 1 then
    local has, removed = has_all(id)
    if not has then
      return not removed
    end
  end
  if what == 'documents' and leave_out == 0 then
    local document = redis.pcall('GET', latest)
    if not document then
      return forget(index, id, 2)
    elseif is_damaged then
      give(id, 0)
    elseif type(document) ~= 'string' then
      give(id, 1)
    else
      give(id, document)
    end
  elseif redis.call('EXISTS', latest) == 0 then
    return forget(index, id, 2)
  elseif is_damaged then
    return true
  elseif leave_out > 0 then
    leave_out = leave_out - 1
    return true
  elseif what == 'ids' then
    found[#found + 1] = id
  end
  count = count + 1
  return true
end

-- What one call looks at and sends is bounded, so that it holds up nobody for long.
local budget = 1000
local function is_full()
  return count >= limit or budget <= 0 or bytes > 4194304 or entry_bytes > MAX_ENTRY_BYTES
end

local more = true
local walked = name == '' and index or index .. ':' .. name
if name == '' or string.find(name, '^mutation:') or string.find(name, '^transformation:') then
  -- Ranks are counted from the end when walking backwards.
  local rank = 0
  if #conditions == 0 and #derived == 0 then
    -- Nothing but what has expired stands in the way, so those left out need not be looked at.
    rank, leave_out = leave_out, 0
  end
  if position ~= '' then
    local time, id = string.match(position, '^(%S+) (.+)$')
    if redis.call('ZSCORE', walked, id) == time then
      rank = rank + redis.call(backwards and 'ZREVRANK' or 'ZRANK', walked, id) + 1
    else
      -- The item is gone: the first rank behind where it stood, by halving.
      local low, high = 0, redis.call('ZCARD', walked)
      local all = high
      while low < high do
        local middle = math.floor((low + high) / 2)
        local there = redis.call('ZRANGE', walked, middle, middle, 'WITHSCORES')
        local score, mark = tonumber(there[2]), tonumber(time)
        if score < mark or (score == mark and not before(id, there[1])) then
          low = middle + 1
        else
          high = middle
        end
      end
      rank = rank + (backwards and all - low or low)
    end
  end
  local command = backwards and 'ZREVRANGE' or 'ZRANGE'
  while more and not is_full() do
    local wanted = math.min(limit - count + leave_out, 100)
    local page = redis.call(command, walked, whole(rank), whole(rank + wanted - 1), 'WITHSCORES')
    more = #page == 2 * wanted
    for at = 1, #page, 2 do
      if is_full() then
        break
      end
      budget = budget - 1
      position = page[at + 1] .. ' ' .. page[at]
      local entries = #conditions > 0 and redis.call('HGET', index .. ':entries', page[at])
      if visit(page[at], entries) then
        rank = rank + 1
      end
    end
  end
  more = rank < redis.call('ZCARD', walked)
else
  local from, to = '[' .. ARGV[5], '(' .. ARGV[6]
  local command = backwards and 'ZREVRANGEBYLEX' or 'ZRANGEBYLEX'
  -- The members behind the position.
  local function following(wanted)
    if position ~= '' then
      if backwards then
        to = '(' .. position
      else
        from = '(' .. position
      end
    end
    local first, last = from, to
    if backwards then
      first, last = to, from
    end
    return redis.call(command, walked, first, last, 'LIMIT', 0, wanted)
  end
  while more and not is_full() do
    local wanted = math.min(limit - count + leave_out, 100)
    local page = following(wanted)
    more = #page == wanted
    for _, member in ipairs(page) do
      if is_full() then
        break
      end
      budget = budget - 1
      position = member
      local _, id = parts_of(member)
      local entries = id and redis.call('HGET', index .. ':entries', id)
      -- A member that its item does not know of is left over from a write that the network repeated. A
      -- damaged record tells nothing.
      if entries and (has_entry(entries, name, member) or not each_entry(entries, function() end)) then
        visit(id, entries)
      else
        redis.pcall('ZREM', walked, member)
      end
    end
  end
  more = #following(1) > 0
end
return {1, what == 'count' and count or found, position, more and '1' or '0',
  whole(leave_out)}
