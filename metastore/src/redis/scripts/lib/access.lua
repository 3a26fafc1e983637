-- Checks before the first write of a script, because what is written before a failure stays.

-- The error if the user may not call one of these commands on `key`.
local function forbidden(key, ...)
  if not redis.acl_check_cmd then
    return nil
  end
  for _, command in ipairs({...}) do
    if not redis.acl_check_cmd(command, key, key, key) then
      return redis.error_reply('NOPERM the user may not call ' .. command .. ' on ' .. key
        .. ': grant it')
    end
  end
end

-- Whether the user may not publish on a channel.
local function may_not_publish(channel)
  return redis.acl_check_cmd and not redis.acl_check_cmd('PUBLISH', channel, '')
end

-- The error if `key` holds another type of value.
local function other_type(key, wanted)
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= wanted then
    return redis.error_reply('WRONGTYPE ' .. key .. ' holds a ' .. found
      .. ', expected a ' .. wanted)
  end
end

-- The error if `key` cannot be written as a `wanted`: it holds another type of value, or the user
-- may not write it.
local function wrong_type(key, wanted)
  local wrong = other_type(key, wanted)
  if wrong then
    return wrong
  end
  if wanted == 'zset' then
    return forbidden(key, 'ZADD', 'ZREM')
  elseif wanted == 'hash' then
    return forbidden(key, 'HSET', 'HDEL')
  elseif wanted == 'list' then
    return forbidden(key, 'LPUSH', 'RPUSH')
  elseif wanted == 'set' then
    return forbidden(key, 'SADD')
  end
end

-- Fails if the server is full. RENAME, DEL and others succeed on a full server, so without this
-- check a script could fail after half of its writes. Writing an empty string at an offset changes
-- nothing.
local function refuse_if_full(key)
  redis.call('SETRANGE', key, '0', '')
end
