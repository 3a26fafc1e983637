-- What several scripts use; put in front of each of them.

-- The error if `key` holds another type of value than `wanted`. Checked before the first write of a
-- script, because what is written before a failure stays.
local function wrong_type(key, wanted)
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= wanted then
    return redis.error_reply('WRONGTYPE ' .. key .. ' holds a ' .. found .. ', expected a ' .. wanted)
  end
end

-- Fails now if the server is full. RENAME, DEL and the like pass on a full server, so without this a
-- script could get through half of its work. Writing nothing at an offset changes nothing.
local function refuse_if_full(key)
  redis.call('SETRANGE', key, 0, '')
end

-- The version and the commit id of a stored document, read from its first bytes: nil if the key does
-- not exist, false if it holds something else. The patterns are those of envelope.rs.
local function head_of(key)
  local head = redis.call('GETRANGE', key, 0, 255)
  if head == '' then
    -- An empty string is something else than nothing.
    if redis.call('EXISTS', key) == 1 then
      return false
    end
    return nil
  end
  local version, commit = string.match(head, '^{"version":(%d+),"id":"[^"]*","commit":"([^"]*)"')
  if not version then
    return false
  end
  return tonumber(version), commit
end

-- The server's time in milliseconds.
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Whole numbers as text; Lua would write large ones with an exponent.
local function whole(number)
  return string.format('%.0f', number)
end

-- Adds an entry to an audit trail if `on` is '1'. `...` are further fields and values.
local function audit(on, key, operation, version, commit, actor, ...)
  if on ~= '1' then
    return
  end
  local entry = {'op', operation, 'version', whole(version), 'commit', commit}
  if actor ~= '' then
    entry[#entry + 1] = 'actor'
    entry[#entry + 1] = actor
  end
  for _, part in ipairs({...}) do
    entry[#entry + 1] = part
  end
  redis.call('XADD', key, '*', unpack(entry))
end
