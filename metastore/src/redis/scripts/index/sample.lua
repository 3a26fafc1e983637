-- Measures some items. Reads only.
--
-- KEYS  1 index
-- ARGV  1 what item keys begin with  2 derived values that items can have, separated by spaces
--       3 what audit trails begin with  4 at most how many superseded versions of each item to measure
--       5 from 0 to 999, at random: where among the versions to begin  6 … ids
-- Gives {1, items}, for each that is there: bytes of the current version, superseded versions that retention
--       has left, how many of them were looked at, how many were there, their bytes, the sum of the squares
--       of their bytes, bytes of mutations, of transformations and of the audit trail.

local prefix, most = ARGV[1], tonumber(ARGV[4])

local function size_of(key)
  return redis.call('MEMORY', 'USAGE', key) or 0
end

local function measure(id, position)
  -- Another place for each item, evenly spread, so that what is missed of one is met of another.
  local shift = (tonumber(ARGV[5]) / 1000 + position * 0.6180339887) % 1
  local item = prefix .. id
  local current = item_of(item .. ':latest')
  if not current then
    return nil
  end
  local oldest = oldest_version(item .. ':trimmed', current)
  local left = current - oldest
  local looked = math.min(left, most)
  local there, bytes, squares = 0, 0, 0
  for number = 0, looked - 1 do
    local offset = math.floor((number + shift) * left / looked)
    local size = size_of(item .. ':version:' .. whole(oldest + offset))
    if size > 0 then
      there = there + 1
    end
    bytes = bytes + size
    squares = squares + size * size
  end
  local derived = {mutation = 0, transformation = 0}
  for name in string.gmatch(ARGV[2], '%S+') do
    local kind = string.match(name, '^%a+')
    derived[kind] = derived[kind] + size_of(item .. ':' .. name)
  end
  return {size_of(item .. ':latest'), left, looked, there, bytes, whole(squares), derived.mutation,
    derived.transformation, size_of(ARGV[3] .. id)}
end

local measured = {}
for position = 6, #ARGV do
  measured[#measured + 1] = measure(ARGV[position], position)
end
return {1, measured}
