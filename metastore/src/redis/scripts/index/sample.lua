-- Measures some items. Reads only.
--
-- KEYS  1 index
-- ARGV  1 address  2 segments of what can be derived from items, separated by spaces
--       3 how many superseded versions of each item to measure at most
--       4 from 0 to 999, at random: where among the versions to begin  5 … ids
-- Returns
--       {DONE, items} for each that exists: bytes of the current version, superseded versions that
--       retention has left, how many of them were looked up, how many exist, their bytes, the sum
--       of the squares of their bytes, bytes of mutations, of transformations and of the audit
--       trail

local at, most = ARGV[1], tonumber(ARGV[3])

local function size_of(key)
  return redis.call('MEMORY', 'USAGE', key) or 0
end

local function measure(id, position)
  -- Another shift for each item, evenly distributed, so that together they cover all places.
  local shift = (tonumber(ARGV[4]) / 1000 + position * 0.6180339887) % 1
  local latest = latest_key(at, id)
  local current = header_of(latest)
  if not current then
    return nil
  end
  local oldest = oldest_version(at, id, current)
  local left = current - oldest
  local looked_up = math.min(left, most)
  local exist, bytes, squares = 0, 0, 0
  for number = 0, looked_up - 1 do
    local offset = math.floor((number + shift) * left / looked_up)
    local size = size_of(version_key(at, id, whole(oldest + offset)))
    if size > 0 then
      exist = exist + 1
    end
    bytes = bytes + size
    squares = squares + size * size
  end
  local derived = {mutation = 0, transformation = 0}
  for segment in string.gmatch(ARGV[2], '%S+') do
    local kind = derived_kind(segment)
    derived[kind] = derived[kind] + size_of(derived_key(at, id, segment))
  end
  return {size_of(latest), left, looked_up, exist, bytes, whole(squares), derived.mutation,
    derived.transformation, size_of(audit_key(at, id))}
end

local measured = {}
for position = 5, #ARGV do
  measured[#measured + 1] = measure(ARGV[position], position)
end
return {DONE, measured}
