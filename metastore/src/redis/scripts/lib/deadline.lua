-- What the scripts that change an item's deadline use; put in front of each of them, behind common.lua. A
-- deadline is a time in ms as text, '' for none. It is stated in the envelope, so that whoever reads the
-- item knows it.

-- Where in the envelope at `key` the deadline stands or is to stand, what it is, nil for none, and where the
-- envelope goes on. nil if the envelope is not as this program writes it.
local function stated_deadline(key)
  local head = redis.pcall('GETRANGE', key, '0', '359')
  if type(head) ~= 'string' then
    return nil
  end
  local at = string.match(head, '^{"version":%d+,"id":"[^"]*","commit":"[^"]*"()')
  if not at then
    return nil
  end
  at = string.match(head, '^,"origin":"[^"]*"()', at) or at
  local stated, after = string.match(head, '^,"expires":(%d+)()', at)
  return at, stated, after or at
end

-- States another deadline in the envelope at `key`.
local function state_deadline(key, deadline)
  local at, stated, after = stated_deadline(key)
  if not at or (stated or '') == deadline then
    return
  end
  if stated and #stated == #deadline then
    redis.call('SETRANGE', key, whole(at + 10), deadline)
  else
    local text = redis.call('GET', key)
    local field = deadline ~= '' and ',"expires":' .. deadline or ''
    redis.call('SET', key, string.sub(text, 1, at - 1) .. field .. string.sub(text, after), 'KEEPTTL')
  end
end

-- Lets a key live until then.
local function live_until(key, deadline)
  if deadline == '' then
    redis.call('PERSIST', key)
  else
    redis.call('PEXPIREAT', key, deadline)
  end
end

-- Lets a derived value live as long as its item, unless a result has a time to live of its own.
local function derived_until(key, deadline)
  local found = redis.pcall('HMGET', key, 'state', 'result_until')
  local own = found[1] == 'done' and number_in(found[2])
  if own and (deadline == '' or own < tonumber(deadline)) then
    redis.call('PEXPIREAT', key, whole(own))
  else
    live_until(key, deadline)
  end
end

-- Lets versions end with an item that had no deadline or a later one, or lets them live. `last` is the last of
-- them; from there back to the first that needs no change, and no more than 10,000.
local function versions_until(prefix, last, mark, deadline)
  live_until(mark, deadline)
  for number = last, math.max(1, last - 9999), -1 do
    local key = prefix .. whole(number)
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

-- Whether the versions of an item that has so many ms left do not fit another deadline.
local function versions_differ(left, deadline)
  if deadline == '' then
    return left > 0
  end
  return left == -1 or now() + left > tonumber(deadline)
end

-- Gives an item another deadline, with its versions; `item` is what its keys begin with.
local function item_until(index, id, item, version, deadline)
  local latest = item .. ':latest'
  local left = redis.call('PTTL', latest)
  live_until(latest, deadline)
  state_deadline(latest, deadline)
  if deadline == '' then
    redis.call('ZREM', index .. ':expiry', id)
  else
    redis.call('ZADD', index .. ':expiry', deadline, id)
  end
  if versions_differ(left, deadline) then
    versions_until(item .. ':version:', version - 1, item .. ':trimmed', deadline)
  end
end
