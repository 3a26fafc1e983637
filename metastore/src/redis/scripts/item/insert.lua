-- Creates several new items of one collection in one step, with generated ids: nothing that is
-- stored decides about them. If anything prevents one of them, nothing is written, and each is left
-- to create.lua. What this script writes is what create.lua writes.
--
-- A small group is one call. The documents of a larger one do not pass through Lua, which would
-- copy each of them three times. Such a group is a MULTI … EXEC of four commands:
--
--   SET scratch ''
--   this script, step 'check': removes the scratch key if the group can be written
--   MSETNX scratch 1 latest document …: writes the documents if none of these keys exists
--   this script, step 'rest': writes everything else if the scratch key holds 1
--
-- Without a check that succeeded, MSETNX finds the scratch key and writes nothing. Both steps are
-- one script, so a server that knows the first knows the second.
--
-- KEYS  1 index, then the sorted sets of ARGV 8, then latest of each item if there is no step
-- ARGV  1 step, '' for none  2 address  3 number of items
--       4 and 5 the earliest and the latest time of these writes
--       6 audit settings  7 '1' if each item has a deadline; it has no steps then
--       8 number of sorted sets to add to  9 number of items with entries
--       10 ids of all items  11 their times of creation  12 their commits: each a text of parts of
--       the same length
--       then, if there is no step, the document of each item and the deadline of each, if they have
--       one; then, except in the step 'check', for each sorted set the number of its members, score
--       and member of each; id and record of entries of each with entries; audit fields of each, if
--       they are audited
-- Returns
--       {DONE} all are written; in the step 'check', all can be written
--       {CONFLICT} nothing is written

local call, sub = redis.call, string.sub
local step, at, index, count = ARGV[1], ARGV[2], KEYS[1], tonumber(ARGV[3])
local is_audited, is_expiring = ARGV[6] ~= '', ARGV[7] == '1'
local sets, indexed = tonumber(ARGV[8]), tonumber(ARGV[9])
local ids, times, commits = ARGV[10], ARGV[11], ARGV[12]
local id_length, time_length, commit_length = #ids / count, #times / count, #commits / count
local scratch = scratch_key(at)
local documents, position = 13, 13
local context = audit_context(at, ARGV[6], '')

local function trail_of(number)
  return audit_key(at, sub(ids, number * id_length + 1, (number + 1) * id_length))
end
local function commit_of(number)
  return sub(commits, number * commit_length + 1, (number + 1) * commit_length)
end
local function is_writable(key, wanted, ...)
  local found = call('TYPE', key)['ok']
  return (found == 'none' or found == wanted) and not forbidden(key, ...)
end

if step ~= 'rest' then
  local time = now()
  if time - ARGV[4] > MAX_SKEW or ARGV[5] - time > MAX_SKEW then
    return {CONFLICT}
  end
  if call('EXISTS', commits_key(at)) == 1 then
    for number = 0, count - 1 do
      if commit_outcome(at, commit_of(number)) then
        return {CONFLICT}
      end
    end
  end
  for position = 1, sets + 1 do
    if not is_writable(KEYS[position], 'zset', 'ZADD') then
      return {CONFLICT}
    end
  end
  if indexed > 0 and not is_writable(entries_key(at), 'hash', 'HSET') then
    return {CONFLICT}
  end
  if is_audited then
    local trails = {}
    for number = 0, count - 1 do
      trails[number + 1] = trail_of(number)
    end
    if call('EXISTS', unpack(trails)) > 0
      or not is_writable(context.feed, 'stream', 'XADD')
      or forbidden(scratch, 'XADD', 'COPY', 'DEL') or forbidden(trails[1], 'COPY', 'PEXPIRE') then
      return {CONFLICT}
    end
  end
end

if step == 'check' then
  call('DEL', scratch)
  return {DONE}
elseif step == 'rest' then
  local written = call('GET', scratch)
  call('DEL', scratch)
  if written ~= '1' then
    return {CONFLICT}
  end
else
  local latest = sets + 1
  if not is_writable(KEYS[latest + 1], 'none', 'SET', 'MSETNX') then
    return {CONFLICT}
  end
  if is_expiring then
    if call('EXISTS', unpack(KEYS, latest + 1, latest + count)) > 0 then
      return {CONFLICT}
    end
    for number = 1, count do
      call('SET', KEYS[latest + number], ARGV[12 + number], 'PXAT', ARGV[12 + count + number])
    end
    position = documents + 2 * count
  else
    local pairs_of = {}
    for number = 1, count do
      pairs_of[2 * number - 1] = KEYS[latest + number]
      pairs_of[2 * number] = ARGV[12 + number]
    end
    -- MSETNX looks for the items itself.
    if call('MSETNX', unpack(pairs_of)) == 0 then
      return {CONFLICT}
    end
    position = documents + count
  end
end

local members = {}
for number = 0, count - 1 do
  members[2 * number + 1] = sub(times, number * time_length + 1, (number + 1) * time_length)
  members[2 * number + 2] = sub(ids, number * id_length + 1, (number + 1) * id_length)
end
call('ZADD', index, unpack(members))
for number = 1, sets do
  local length = tonumber(ARGV[position])
  call('ZADD', KEYS[number + 1], unpack(ARGV, position + 1, position + 2 * length))
  position = position + 2 * length + 1
end
if indexed > 0 then
  call('HSET', entries_key(at), unpack(ARGV, position, position + 2 * indexed - 1))
  position = position + 2 * indexed
end
if is_audited then
  local feed, feed_length, life = context.feed, context.feed_length, context.life
  -- An entry that a failed call left would be copied.
  call('DEL', scratch)
  for number = 0, count - 1 do
    local trail, id, commit = trail_of(number), members[2 * number + 2], commit_of(number)
    local fields = ARGV[position + number]
    -- As `audit`, but the trail is new: the stream of 4 KiB is the scratch key. Most entries have
    -- no fields.
    if fields == '' then
      call('XADD', scratch, '*', 'op', 'create', 'version', '1', 'commit', commit)
      call('XADD', feed, 'MAXLEN', '~', feed_length, '*', 'op', 'create', 'version', '1',
        'commit', commit, 'id', id)
    else
      local entry = {'op', 'create', 'version', '1', 'commit', commit, unpack(audit_fields(fields))}
      call('XADD', scratch, '*', unpack(entry))
      entry[#entry + 1] = 'id'
      entry[#entry + 1] = id
      call('XADD', feed, 'MAXLEN', '~', feed_length, '*', unpack(entry))
    end
    call('COPY', scratch, trail)
    call('DEL', scratch)
    if life ~= '0' then
      call('PEXPIRE', trail, life)
    end
  end
end
return {DONE}
