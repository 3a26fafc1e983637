-- A page of items in the order of an index: of all items by creation, or of one field by its
-- values. Evicts items that have expired, so that they are in no page and no count.
--
-- KEYS  1 index  2 … sorted sets that may hold the ids of items that have expired
-- ARGV  1 address  2 what is returned: 'documents', 'ids' or 'count'
--       3 segment of the index to read, '' for that of all items
--       4 '1' to read it backwards  5 lower and  6 upper bound in an index of values
--       7 position after which to begin, '' for the beginning  8 number of items to skip
--       9 limit  10 segments of derived values that each item must have, separated by spaces
--       11 number of indexes that must be complete, then their segments
--       … for each further condition: segment, lower bound, upper bound
-- Returns
--       {DONE, rows or ids or number, position of the last item that was read, '1' if there may be
--       more, number of items still to skip} rows are ids with their documents, or in the place of
--       a document 0 if the item's record of entries is damaged, so that it is unknown whether it
--       meets all conditions, 1 if its key holds another type of value
--       {PARTLY} more items have expired than one call evicts: call again
--       {INDEX_INCOMPLETE, segment, indexed, items} an index does not hold all items
--
-- A position is a member of an index of values, or time of creation, ' ' and id in an index by
-- creation.

local index, at, what, name = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local backwards = ARGV[4] == '1'
if reap_expired(at, 2) then
  return {PARTLY}
end

local next_argument = 12
local items = redis.call('ZCARD', index)
for _ = 1, tonumber(ARGV[11]) do
  local indexed = redis.call('ZCARD', segment_key(at, ARGV[next_argument]))
  if indexed < items then
    return {INDEX_INCOMPLETE, ARGV[next_argument], indexed, items}
  end
  next_argument = next_argument + 1
end
local conditions = {}
while next_argument < #ARGV do
  local segment, lower, upper = unpack(ARGV, next_argument, next_argument + 2)
  conditions[#conditions + 1] = {segment = segment, lower = lower, upper = upper}
  next_argument = next_argument + 3
end

local derived = {}
for segment in string.gmatch(ARGV[10], '%S+') do
  derived[#derived + 1] = segment
end
local position = ARGV[7]
if what == 'count' and #conditions == 0 and #derived == 0 and position == '' then
  -- A replica cannot evict items that have expired, but it does not count them either.
  local expired = redis.call('ZCOUNT', expiry_key(at), '-inf', whole(now()))
  if name == '' then
    return {DONE, items - expired, '', '0', '0'}
  end
  if expired == 0 then
    local matches = redis.call('ZLEXCOUNT', segment_key(at, name), '[' .. ARGV[5], '(' .. ARGV[6])
    return {DONE, matches, '', '0', '0'}
  end
end

-- Whether the entries of a record meet all further conditions; nil if it is damaged.
local function meets_all(record)
  local met, open = {}, #conditions
  local is_valid = each_entry(record, function(segment, value)
    for number, condition in ipairs(conditions) do
      if segment == condition.segment and not met[number] then
        local ended = value .. '\0'
        if not is_less(ended, condition.lower) and is_less(ended, condition.upper) then
          met[number] = true
          open = open - 1
        end
      end
    end
    return open == 0
  end)
  if is_valid then
    return open == 0
  end
end

-- Whether an item has all derived values. An item is removed from the index of a value that it no
-- longer has; the second value says whether that is the index that is read.
local function has_all(id)
  local _, _, origin = header_of(latest_key(at, id))
  for _, segment in ipairs(derived) do
    if not has_derived(at, id, segment, origin) then
      local removed = redis.pcall('ZREM', segment_key(at, segment), id)
      return false, segment == name and removed == 1
    end
  end
  return true
end

local found, bytes, count = {}, 0, 0
local limit, skip = tonumber(ARGV[9]), tonumber(ARGV[8])

local function add_row(id, document)
  found[#found + 1] = id
  found[#found + 1] = document
  bytes = bytes + (type(document) == 'string' and #document or 0)
end

-- Checks one item. Returns whether it stays in the index.
local function visit(id, record)
  local latest = latest_key(at, id)
  local is_damaged = false
  if #conditions > 0 then
    local meets = meets_all(record or '')
    if not meets then
      if redis.call('EXISTS', latest) == 0 then
        return evict_index_entries(at, id, 2)
      end
      -- An item without entries meets no condition; one whose record is damaged may.
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
  if what == 'documents' and skip == 0 then
    local document = redis.pcall('GET', latest)
    if not document then
      return evict_index_entries(at, id, 2)
    elseif is_damaged then
      add_row(id, 0)
    elseif type(document) ~= 'string' then
      add_row(id, 1)
    else
      add_row(id, document)
    end
  elseif redis.call('EXISTS', latest) == 0 then
    return evict_index_entries(at, id, 2)
  elseif is_damaged then
    return true
  elseif skip > 0 then
    skip = skip - 1
    return true
  elseif what == 'ids' then
    found[#found + 1] = id
  end
  count = count + 1
  return true
end

-- What one call reads and returns is bounded, so that it does not block the server for long.
local budget = 1000
local function is_full()
  return count >= limit or budget <= 0 or bytes > 4194304 or entry_bytes > MAX_ENTRY_BYTES
end

local more = true
local read = name == '' and index or segment_key(at, name)
if name == '' or derived_kind(name) then
  -- Ranks are counted from the end when the index is read backwards.
  local rank = 0
  if #conditions == 0 and #derived == 0 then
    -- Nothing but expired items can be left out, so the items to skip need not be read.
    rank, skip = skip, 0
  end
  if position ~= '' then
    local time, id = string.match(position, '^(%S+) (.+)$')
    if redis.call('ZSCORE', read, id) == time then
      rank = rank + redis.call(backwards and 'ZREVRANK' or 'ZRANK', read, id) + 1
    else
      -- The item no longer exists: the first rank after its place, by bisection.
      local low, high = 0, redis.call('ZCARD', read)
      local all = high
      while low < high do
        local middle = math.floor((low + high) / 2)
        local found = redis.call('ZRANGE', read, middle, middle, 'WITHSCORES')
        local score, mark = tonumber(found[2]), tonumber(time)
        if score < mark or (score == mark and not is_less(id, found[1])) then
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
    local wanted = math.min(limit - count + skip, 100)
    local page = redis.call(command, read, whole(rank), whole(rank + wanted - 1), 'WITHSCORES')
    more = #page == 2 * wanted
    for number = 1, #page, 2 do
      if is_full() then
        break
      end
      budget = budget - 1
      local id = page[number]
      position = page[number + 1] .. ' ' .. id
      local record = #conditions > 0 and redis.call('HGET', entries_key(at), id)
      if visit(id, record) then
        rank = rank + 1
      end
    end
  end
  more = rank < redis.call('ZCARD', read)
else
  local from, to = '[' .. ARGV[5], '(' .. ARGV[6]
  local command = backwards and 'ZREVRANGEBYLEX' or 'ZRANGEBYLEX'
  -- The members after the position.
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
    return redis.call(command, read, first, last, 'LIMIT', 0, wanted)
  end
  while more and not is_full() do
    local wanted = math.min(limit - count + skip, 100)
    local page = following(wanted)
    more = #page == wanted
    for _, member in ipairs(page) do
      if is_full() then
        break
      end
      budget = budget - 1
      position = member
      local _, id = parse_member(member)
      local record = id and redis.call('HGET', entries_key(at), id)
      -- A member that is not in the record of its item is left from a write that the network
      -- repeated. A damaged record does not say what is right.
      if record and (has_entry(record, name, member) or not each_entry(record, function() end)) then
        visit(id, record)
      else
        redis.pcall('ZREM', read, member)
      end
    end
  end
  more = #following(1) > 0
end
return {DONE, what == 'count' and count or found, position, more and '1' or '0',
  whole(skip)}
