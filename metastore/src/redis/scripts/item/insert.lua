-- Creates several new items of one collection in one step, with generated ids: nothing that is
-- stored decides about them. If anything prevents one of them, nothing is written, and each is left
-- to create.lua. What this script writes is what create.lua writes.
--
-- KEYS  1 index, then latest of each item, then the audit trail of each if they are audited, then
--       the sorted sets of ARGV 7
-- ARGV  1 address  2 number of items  3 and 4 the earliest and the latest time of these writes
--       5 audit settings  6 '1' if each item has a deadline
--       7 number of sorted sets to add to  8 number of items with entries
--       then the document of each item; the deadline of each, if they have one; time of creation
--       and id of each; for each sorted set the number of its members, score and member of each; id
--       and record of entries of each with entries; commit and audit fields of each, if they are
--       audited
-- Returns
--       {DONE} all are written
--       {CONFLICT} nothing is written

local call = redis.call
local at, index, count = ARGV[1], KEYS[1], tonumber(ARGV[2])
local is_audited, is_expiring = ARGV[5] ~= '', ARGV[6] == '1'
local sets, indexed = tonumber(ARGV[7]), tonumber(ARGV[8])
local documents = 9
local deadlines = documents + count
local ids = is_expiring and deadlines + count or deadlines
local first_trail = count + 2
local first_set = is_audited and first_trail + count or first_trail

local time = now()
if time - ARGV[3] > MAX_SKEW or ARGV[4] - time > MAX_SKEW then
  return {CONFLICT}
end
-- MSETNX looks for the items itself.
local first_looked_for = is_expiring and 2 or first_trail
if first_looked_for < first_set
  and call('EXISTS', unpack(KEYS, first_looked_for, first_set - 1)) > 0 then
  return {CONFLICT}
end
if call('EXISTS', commits_key(at)) == 1 then
  for number = 0, count - 1 do
    local _, commit = parse_header(ARGV[documents + number])
    if not commit or commit_outcome(at, commit) then
      return {CONFLICT}
    end
  end
end
local function is_writable(key, wanted, ...)
  local found = call('TYPE', key)['ok']
  return (found == 'none' or found == wanted) and not forbidden(key, ...)
end
if not (is_writable(index, 'zset', 'ZADD') and is_writable(KEYS[2], 'none', 'SET', 'MSETNX')) then
  return {CONFLICT}
end
for position = first_set, #KEYS do
  if not is_writable(KEYS[position], 'zset', 'ZADD') then
    return {CONFLICT}
  end
end
if indexed > 0 and not is_writable(entries_key(at), 'hash', 'HSET') then
  return {CONFLICT}
end
local context
if is_audited then
  context = audit_context(at, ARGV[5], '')
  if not (is_writable(context.feed, 'stream', 'XADD')
    and is_writable(context.scratch, 'none', 'XADD', 'COPY', 'DEL')
    and is_writable(KEYS[first_trail], 'none', 'COPY', 'PEXPIRE')) then
    return {CONFLICT}
  end
end

if is_expiring then
  for number = 0, count - 1 do
    call('SET', KEYS[number + 2], ARGV[documents + number], 'PXAT', ARGV[deadlines + number])
  end
else
  local pairs_of = {}
  for number = 0, count - 1 do
    pairs_of[2 * number + 1] = KEYS[number + 2]
    pairs_of[2 * number + 2] = ARGV[documents + number]
  end
  if call('MSETNX', unpack(pairs_of)) == 0 then
    return {CONFLICT}
  end
end
call('ZADD', index, unpack(ARGV, ids, ids + 2 * count - 1))
local position = ids + 2 * count
for number = 0, sets - 1 do
  local members = tonumber(ARGV[position])
  call('ZADD', KEYS[first_set + number], unpack(ARGV, position + 1, position + 2 * members))
  position = position + 2 * members + 1
end
if indexed > 0 then
  call('HSET', entries_key(at), unpack(ARGV, position, position + 2 * indexed - 1))
  position = position + 2 * indexed
end
if is_audited then
  local feed, scratch = context.feed, context.scratch
  local feed_length, life = context.feed_length, context.life
  for number = 0, count - 1 do
    local trail, id = KEYS[first_trail + number], ARGV[ids + 2 * number + 1]
    local commit, fields = ARGV[position + 2 * number], ARGV[position + 2 * number + 1]
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
