-- What several scripts use; put in front of each of them.

-- How long the commit id of a write can be found once what it wrote is gone, in ms.
local REMEMBERED = 120000

-- How far the time of a write may be from the server's, in ms. With REMEMBERED this closes the gap: a write
-- that is delivered so late that its commit id is forgotten is refused.
local MAX_SKEW = 60000

-- The error if the user may not call one of these commands on `key`. Checked before the first write of a
-- script, because what is written before a failure stays.
local function forbidden(key, ...)
  if not redis.acl_check_cmd then
    return nil
  end
  for _, command in ipairs({...}) do
    if not redis.acl_check_cmd(command, key, key, key) then
      return redis.error_reply('NOPERM the user may not call ' .. command .. ' on ' .. key .. ': grant it')
    end
  end
end

-- The error if `key` holds another type of value.
local function other_type(key, wanted)
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= wanted then
    return redis.error_reply('WRONGTYPE ' .. key .. ' holds a ' .. found .. ', expected a ' .. wanted)
  end
end

-- The error if `key` cannot be written as a `wanted`: it holds another type of value, or the user may not
-- write it. Checked before the first write of a script.
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

-- Fails now if the server is full. RENAME, DEL and the like pass on a full server, so without this a
-- script could get through half of its work. Writing nothing at an offset changes nothing.
local function refuse_if_full(key)
  redis.call('SETRANGE', key, '0', '')
end

-- The head of a document in JSON that another tool has written, with its parts in any order and with any
-- spaces: nil if it is none, or has more than 4 MiB. Numbers of the document itself are not read from here.
local function foreign_head(text)
  if type(text) ~= 'string' or #text > 4194304 then
    return nil
  end
  local readable, found = pcall(cjson.decode, text)
  if not readable or type(found) ~= 'table' or type(found.commit) ~= 'string' then
    return nil
  end
  local version, created, updated = found.version, found.created, found.updated
  local function is_whole(number)
    return type(number) == 'number' and number >= 0 and number < 1e15 and number % 1 == 0
  end
  if not is_whole(version) or version < 1 or not is_whole(created) then
    return nil
  end
  local origin = type(found.origin) == 'string' and found.origin or found.commit
  return {version = version, commit = found.commit, origin = origin,
    written = is_whole(updated) and updated or created}
end

-- The version and the commit id of a stored document, read from its first bytes: nil if the key does
-- not exist, false if it holds something else. The patterns are those of envelope.rs.
local function head_of(key)
  local head = redis.call('GETRANGE', key, '0', '255')
  if head == '' then
    -- An empty string is something else than nothing.
    if redis.call('EXISTS', key) == 1 then
      return false
    end
    return nil
  end
  local version, commit = string.match(head, '^{"version":([1-9]%d*),"id":"[^"]*","commit":"([^"]*)"')
  -- A number of more digits is not exact here, and nobody has written so many versions.
  if version and #version <= 15 then
    return tonumber(version), commit
  end
  local foreign = foreign_head(redis.call('GET', key))
  if not foreign then
    return false
  end
  return foreign.version, foreign.commit
end

-- The version of a stored document, and its item's origin: the commit id of version 1, which tells the item
-- from an earlier one with the same id. nil if `key` holds no document; whatever it holds, this does not fail.
local function item_of(key)
  local head = redis.pcall('GETRANGE', key, '0', '319')
  if type(head) ~= 'string' or head == '' then
    return nil
  end
  local version, commit, rest =
    string.match(head, '^{"version":([1-9]%d*),"id":"[^"]*","commit":"([^"]*)"()')
  if version and #version <= 15 then
    return tonumber(version), string.match(head, '^,"origin":"([^"]*)"', rest) or commit
  end
  local foreign = foreign_head(redis.pcall('GET', key))
  if foreign then
    return foreign.version, foreign.origin
  end
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

-- The verdict on a write whose time is too far from the server's; nil if it is near enough.
local function untimely(issued)
  local time = now()
  if math.abs(time - tonumber(issued)) > MAX_SKEW then
    return {-8, whole(time)}
  end
end

-- What is remembered of a commit: 'removed' if it was carried out and what it wrote has been removed since,
-- 'refused' if its caller was told that it was not carried out. `index` is the index of all items.
local function outcome_of(index, commit)
  local found = redis.call('ZMSCORE', index .. ':commits', commit, '!' .. commit)
  return found[1] and 'removed' or found[2] and 'refused'
end

-- Keeps the ids of commits whose work is being removed.
local function remember(index, commits)
  if #commits == 0 then
    return
  end
  local key, time = index .. ':commits', now()
  redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(time - REMEMBERED))
  for first = 1, #commits, 500 do
    local members = {}
    for position = first, math.min(first + 499, #commits) do
      members[#members + 1] = whole(time)
      members[#members + 1] = commits[position]
    end
    redis.call('ZADD', key, unpack(members))
  end
  redis.call('PEXPIRE', key, REMEMBERED)
end

-- Refuses a commit for good, so that it is not carried out if the network delivers it once more. Where
-- nothing can be written, only the verdict is given.
local function refuse(index, commit, verdict)
  pcall(remember, index, {'!' .. commit})
  return verdict
end

-- The error if commit ids cannot be kept.
local function wrong_commits(index)
  local key = index .. ':commits'
  return wrong_type(key, 'zset') or forbidden(key, 'ZREMRANGEBYSCORE', 'PEXPIRE')
end

-- A number as records and receipts hold it, of at most `digits` digits; `usual` for what is missing or is
-- no number.
local function number_in(text, usual, digits)
  if type(text) == 'string' and #text <= (digits or 15) and string.find(text, '^%d+$') then
    return tonumber(text)
  end
  return usual
end

-- When a version was written and by which commit, read from its first bytes; nil if `key` holds none.
-- It is called between writes, so no type of value may make it fail.
local function written_at(key)
  local head = redis.pcall('GETRANGE', key, '0', '511')
  if type(head) ~= 'string' then
    return nil
  end
  local commit, rest = string.match(head, '^{"version":%d+,"id":"[^"]*","commit":"([^"]*)"()')
  if not commit then
    local foreign = head ~= '' and foreign_head(redis.pcall('GET', key))
    if foreign then
      return foreign.written, foreign.commit
    end
    return nil
  end
  rest = string.match(head, '^,"origin":"[^"]*"()', rest) or rest
  rest = string.match(head, '^,"expires":%d+()', rest) or rest
  local created
  created, rest = string.match(head, '^,"schema":%d+,"created":(%d+)()', rest)
  if not created then
    return nil
  end
  return tonumber(string.match(head, '^,"updated":(%d+)', rest) or created), commit
end

-- The number of the oldest version that may be there. It is kept under `mark` once versions have been
-- removed, as long as the item lives; one that cannot be true was left behind by an earlier item.
local function oldest_version(mark, current)
  local oldest = number_in(redis.pcall('GET', mark), 1)
  return oldest >= 1 and oldest <= current and oldest or 1
end

local function set_oldest_version(mark, oldest, latest)
  local left = redis.call('PTTL', latest)
  if left > 0 then
    redis.call('SET', mark, whole(oldest), 'PX', whole(left))
  else
    redis.call('SET', mark, whole(oldest))
  end
end

-- Removes the versions of an item that its retention lets go: at most `limit`, the oldest first and
-- never the current one, so that what is left stands without a gap before it. `keep` is how many
-- versions stay, with the current one; `keep_for` is how long one stays once it is superseded, in ms;
-- '' sets no bound. Gives how many were removed, and whether there may be more.
local function trim(index, latest, current, mark, prefix, keep, keep_for, limit)
  local time = now()
  local oldest = oldest_version(mark, current)
  if current == 2 then
    -- The first version superseded: whatever is there is of an earlier item.
    redis.call('UNLINK', mark)
    oldest = 1
  end
  local number, gone, commits = oldest, {}, {}
  while number < current and number - oldest < limit do
    local key = prefix .. whole(number)
    local surplus = keep ~= '' and number <= current - keep
    if not surplus and keep_for == '' then
      break
    end
    local written, commit = written_at(key)
    if not surplus and written then
      local next = number + 1
      local superseded = written_at(next == current and latest or prefix .. whole(next))
      if (superseded or written) > time - keep_for then
        break
      end
    end
    gone[#gone + 1] = key
    -- Whoever wrote it may still be asking what became of the write.
    if written and written > time - REMEMBERED then
      commits[#commits + 1] = commit
    end
    number = number + 1
  end
  -- First what makes room, because a full server takes the rest only from then on.
  local removed = #gone > 0 and redis.call('UNLINK', unpack(gone)) or 0
  remember(index, commits)
  if number > 1 then
    set_oldest_version(mark, number, latest)
  end
  -- Of a document whose damaged version counts far too many, none is looked for any more.
  local is_left = removed > 0 or redis.call('EXISTS', prefix .. whole(current - 1)) == 1
  return removed, number - oldest == limit and is_left
end

-- What `Repo::audit_arg` packs: '' for no audit, or in one text the feed, a key for passing use, the
-- most entries of a trail and of the feed, how long a trail lives ('0' for ever) and the item's id.

-- The whole of it, from what scripts on several items get: all but the id.
local function packed_for(pieces, id)
  return pieces ~= '' and pieces .. id or ''
end

-- The error if the trail or the feed that `audit` writes to is no stream, or may not be written. The rights
-- are looked up once in each call of a script.
local may_audit = false
local function wrong_audit(packed, trail)
  if packed == '' then
    return nil
  end
  local feed, scratch = string.match(packed, '^(%S+) (%S+)')
  local wrong = other_type(trail, 'stream') or other_type(feed, 'stream')
  if wrong or may_audit then
    return wrong
  end
  wrong = forbidden(feed, 'XADD') or forbidden(trail, 'EXISTS', 'XADD', 'COPY', 'RENAME', 'PEXPIRE')
    or forbidden(scratch, 'COPY', 'RENAME')
  may_audit = not wrong
  return wrong
end

-- Adds an entry to the audit trail of an item and to the feed of its collection. `...` are further
-- fields and values; those with an empty value are left out.
local function audit(packed, trail, operation, version, commit, actor, ...)
  if packed == '' then
    return
  end
  local feed, scratch, trail_length, feed_length, life, id =
    string.match(packed, '^(%S+) (%S+) (%d+) (%d+) (%d+) (%S+)$')
  local entry = {'op', operation, 'version', whole(version), 'commit', commit}
  local further = {'actor', actor, ...}
  for position = 1, #further, 2 do
    if further[position + 1] ~= '' then
      entry[#entry + 1] = further[position]
      entry[#entry + 1] = further[position + 1]
    end
  end
  local first = redis.call('EXISTS', trail) == 0
  redis.call('XADD', trail, 'MAXLEN', '~', trail_length, '*', unpack(entry))
  if first then
    -- Redis sets aside 4 KiB for each new stream. A copy takes what it needs, a tenth of that.
    redis.call('COPY', trail, scratch, 'REPLACE')
    redis.call('RENAME', scratch, trail)
  end
  if life ~= '0' then
    redis.call('PEXPIRE', trail, life)
  end
  entry[#entry + 1] = 'id'
  entry[#entry + 1] = id
  redis.call('XADD', feed, 'MAXLEN', '~', feed_length, '*', unpack(entry))
end
