-- Creates several new items of one collection in one step, with generated ids: nothing that is stored
-- decides about them. If anything at all stands in the way, nothing is written, and each is left to
-- create.lua. Uses nothing of common.lua, since each function there is made anew by each call; what it
-- writes is what create.lua writes.
--
-- KEYS  1 index, then latest of each item, then the audit trail of each if they are audited, then the
--       sorted sets of ARGV 6
-- ARGV  1 number of items  2 and 3 the earliest and the latest time of these writes
--       4 audit, packed, but for the id; '' for none  5 '1' if each item has a deadline
--       6 number of sorted sets to be added to  7 number of items with entries of indexes
--       then the document of each item; the deadline of each, if they have one; creation time and id of
--       each; for each sorted set the number of its members, score and member of each; id and entries of
--       each with entries; commit and actor of each, if they are audited
-- Gives {1} all written; {0} nothing.

local call = redis.call
local index, count = KEYS[1], tonumber(ARGV[1])
local audited, expiring = ARGV[4] ~= '', ARGV[5] == '1'
local sets, indexed = tonumber(ARGV[6]), tonumber(ARGV[7])
local documents = 8
local deadlines = documents + count
local ids = expiring and deadlines + count or deadlines
local first_trail = count + 2
local first_set = audited and first_trail + count or first_trail

local clock = call('TIME')
local time = clock[1] * 1000 + math.floor(clock[2] / 1000)
-- As `untimely` of common.lua.
if time - ARGV[2] > 60000 or ARGV[3] - time > 60000 then
  return {0}
end
if call('EXISTS', unpack(KEYS, 2, first_set - 1)) > 0 then
  return {0}
end
if call('EXISTS', index .. ':commits') == 1 then
  -- As `outcome_of` of common.lua.
  for number = 0, count - 1 do
    local commit = string.match(ARGV[documents + number], '^{"version":1,"id":"[^"]*","commit":"([^"]*)"')
    local known = commit and call('ZMSCORE', index .. ':commits', commit, '!' .. commit)
    if not known or known[1] or known[2] then
      return {0}
    end
  end
end
local function is_writable(key, wanted, ...)
  local found = call('TYPE', key)['ok']
  if found ~= 'none' and found ~= wanted then
    return false
  end
  for _, command in ipairs({...}) do
    if redis.acl_check_cmd and not redis.acl_check_cmd(command, key, key, key) then
      return false
    end
  end
  return true
end
if not (is_writable(index, 'zset', 'ZADD') and is_writable(KEYS[2], 'none', 'SET', 'MSET')) then
  return {0}
end
for position = first_set, #KEYS do
  if not is_writable(KEYS[position], 'zset', 'ZADD') then
    return {0}
  end
end
if indexed > 0 and not is_writable(index .. ':entries', 'hash', 'HSET') then
  return {0}
end
local feed, scratch, _, feed_length, life
if audited then
  feed, scratch, _, feed_length, life = string.match(ARGV[4], '^(%S+) (%S+) (%d+) (%d+) (%d+) $')
  if not (is_writable(feed, 'stream', 'XADD') and is_writable(scratch, 'none', 'XADD', 'COPY', 'DEL')
    and is_writable(KEYS[first_trail], 'none', 'COPY', 'PEXPIRE')) then
    return {0}
  end
end

if expiring then
  for number = 0, count - 1 do
    call('SET', KEYS[number + 2], ARGV[documents + number], 'PXAT', ARGV[deadlines + number])
  end
else
  local pairs_of = {}
  for number = 0, count - 1 do
    pairs_of[2 * number + 1] = KEYS[number + 2]
    pairs_of[2 * number + 2] = ARGV[documents + number]
  end
  call('MSET', unpack(pairs_of))
end
call('ZADD', index, unpack(ARGV, ids, ids + 2 * count - 1))
local position = ids + 2 * count
for number = 0, sets - 1 do
  local members = tonumber(ARGV[position])
  call('ZADD', KEYS[first_set + number], unpack(ARGV, position + 1, position + 2 * members))
  position = position + 2 * members + 1
end
if indexed > 0 then
  call('HSET', index .. ':entries', unpack(ARGV, position, position + 2 * indexed - 1))
  position = position + 2 * indexed
end
if audited then
  for number = 0, count - 1 do
    local trail, id = KEYS[first_trail + number], ARGV[ids + 2 * number + 1]
    local commit, actor = ARGV[position + 2 * number], ARGV[position + 2 * number + 1]
    -- Redis sets aside 4 KiB for each new stream. A copy takes what it needs, a tenth of that.
    if actor == '' then
      call('XADD', scratch, '*', 'op', 'create', 'version', '1', 'commit', commit)
      call('XADD', feed, 'MAXLEN', '~', feed_length, '*', 'op', 'create', 'version', '1', 'commit', commit,
        'id', id)
    else
      call('XADD', scratch, '*', 'op', 'create', 'version', '1', 'commit', commit, 'actor', actor)
      call('XADD', feed, 'MAXLEN', '~', feed_length, '*', 'op', 'create', 'version', '1', 'commit', commit,
        'actor', actor, 'id', id)
    end
    call('COPY', scratch, trail)
    call('DEL', scratch)
    if life ~= '0' then
      call('PEXPIRE', trail, life)
    end
  end
end
return {1}
