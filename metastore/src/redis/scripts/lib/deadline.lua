-- The deadlines of items. A deadline is a time in ms as text, '' for none. It is also written into
-- the header, so that readers of the item know it.

-- Lets a key expire at a deadline.
local function expire_at(key, deadline)
  if deadline == '' then
    redis.call('PERSIST', key)
  else
    redis.call('PEXPIREAT', key, deadline)
  end
end

-- Lets a derived value of an item expire with it, unless a result has a time to live of its own.
local function expire_derived_at(at, id, segment, deadline)
  local key = derived_key(at, id, segment)
  local is_record = derived_kind(segment) == 'transformation'
  local text = is_record and redis.pcall('GETRANGE', key, '0', '8191')
  local own = type(text) == 'string' and result_until(text)
  if own and (deadline == '' or own < tonumber(deadline)) then
    redis.call('PEXPIREAT', key, whole(own))
  else
    expire_at(key, deadline)
  end
end

-- Lets versions expire with an item that had no deadline or a later one, or removes their deadline:
-- from `last` back to the first that needs no change, at most 10,000.
local function expire_versions_at(at, id, last, deadline)
  expire_at(trimmed_key(at, id), deadline)
  for number = last, math.max(1, last - 9999), -1 do
    local key = version_key(at, id, whole(number))
    if deadline == '' then
      if redis.call('PERSIST', key) == 0 then
        break
      end
    else
      local left = redis.call('PTTL', key)
      if left == -2 or not (left == -1 or now() + left > tonumber(deadline)) then
        break
      end
      redis.call('PEXPIREAT', key, deadline)
    end
  end
end

-- Whether the versions of an item that has so many ms left need another deadline.
local function versions_differ(left, deadline)
  if deadline == '' then
    return left > 0
  end
  return left == -1 or now() + left > tonumber(deadline)
end

-- Gives an item another deadline, with its versions.
local function expire_item_at(at, id, version, deadline)
  local latest = latest_key(at, id)
  local left = redis.call('PTTL', latest)
  expire_at(latest, deadline)
  state_deadline(latest, deadline)
  if deadline == '' then
    redis.call('ZREM', expiry_key(at), id)
  else
    redis.call('ZADD', expiry_key(at), deadline, id)
  end
  if versions_differ(left, deadline) then
    expire_versions_at(at, id, version - 1, deadline)
  end
end
