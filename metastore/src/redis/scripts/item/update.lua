-- Writes the next version of an item, if it is still at the expected one. The current version
-- becomes a version key by RENAME, so each version is stored once and sent once.
--
-- KEYS  1 latest  2 version key of the expected version  3 version key of the new version
--       4 expiry index  5 audit trail  6 the oldest version that retention has left  7 index
--       8 … sorted sets that may hold the ids of items that have expired
-- ARGV  1 id  2 commit  3 document  4 expected version  5 commit of the expected version, '' for any
--       6 new deadline, '' to keep the one that the item has, '-' to remove it
--       7 audit, packed  8 actor  9 operation
--       10 how many versions to keep  11 for how many ms to keep a superseded one  12 what version keys
--       begin with; 10 and 11 are '' for no bound
--       13 entries of the indexes, '' for none, '-' if the program knows no indexes
--       14 what item keys begin with
--       15 and 16 for the audit: the version that is superseded or brought back, and the names of the
--       fields that change
--       17 time of the write
--       18 … keys of what is derived from the item, if the deadline changes
-- Gives {1} written; {1, 1} written by an earlier run with the same commit; {0, version} conflict;
--       {-1} no such item; {-2} the key does not hold a document;
--       {-3, index} another item has the value of a unique field; {-8, time} the time of the write is too
--       far from the server's; {-9} an earlier run with the same commit was refused.

local version, commit = head_of(KEYS[1])
local expected = tonumber(ARGV[4])
if not version or version ~= expected or (ARGV[5] ~= '' and commit ~= ARGV[5]) then
  -- An earlier run may have been applied, and its version superseded or removed since.
  local _, later = head_of(KEYS[3])
  if commit == ARGV[2] or later == ARGV[2] or outcome_of(KEYS[7], ARGV[2]) == 'removed' then
    return {1, 1}
  elseif version == nil then
    return {-1}
  elseif version == false then
    return {-2}
  end
  return {0, version}
end
if ARGV[6] ~= '' or ARGV[13] ~= '-' then
  local late = untimely(ARGV[17])
  if late then
    return refuse(KEYS[7], ARGV[2], late)
  end
end
-- Only such an update may have been refused while its base was the current version.
if (ARGV[6] ~= '' or ARGV[13] ~= '-') and outcome_of(KEYS[7], ARGV[2]) == 'refused' then
  return {-9}
end
local trims = ARGV[10] ~= '' or ARGV[11] ~= ''
local wrong = wrong_type(KEYS[4], 'zset') or wrong_audit(ARGV[7], KEYS[5])
  or forbidden(KEYS[1], 'RENAME', 'SET', 'SETRANGE') or forbidden(KEYS[2], 'RENAME')
  or (ARGV[6] ~= '' and (forbidden(KEYS[2], 'PTTL', 'PEXPIREAT', 'PERSIST')
    or forbidden(KEYS[6], 'PEXPIREAT', 'PERSIST')))
  or (trims and (wrong_commits(KEYS[7]) or forbidden(KEYS[2], 'UNLINK')
    or forbidden(KEYS[6], 'GET', 'SET', 'UNLINK')))
for position = 18, #ARGV do
  wrong = wrong or forbidden(ARGV[position], 'HMGET', 'PEXPIREAT', 'PERSIST')
end
if wrong then
  return wrong
end
local plan, taken
-- What another program keeps of the item in indexes that this one does not know is out of date from now on.
if ARGV[13] ~= '-' or redis.call('HEXISTS', KEYS[7] .. ':entries', ARGV[1]) == 1 then
  plan, taken = plan_entries(KEYS[7], ARGV[14], ARGV[1], ARGV[13] ~= '-' and ARGV[13] or '', false,
    true)
  if plan and plan.err then
    return plan
  end
  if taken then
    return refuse(KEYS[7], ARGV[2], {-3, taken})
  end
end
refuse_if_full(KEYS[1])

local left = redis.call('PTTL', KEYS[1])
local deadline = ARGV[6] ~= '-' and ARGV[6] or ''
if ARGV[6] == '' and left > 0 then
  -- It may have been renewed since the caller read the item.
  local _, stated = stated_deadline(KEYS[1])
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('SET', KEYS[1], ARGV[3], 'PX', left)
  state_deadline(KEYS[1], stated or '')
else
  redis.call('RENAME', KEYS[1], KEYS[2])
  if deadline ~= '' then
    redis.call('SET', KEYS[1], ARGV[3], 'PXAT', deadline)
    redis.call('ZADD', KEYS[4], deadline, ARGV[1])
    -- A version lives as long as the item would have lived without further writes.
    redis.call('PEXPIREAT', KEYS[2], deadline)
  else
    redis.call('SET', KEYS[1], ARGV[3])
  end
  if ARGV[6] == '-' then
    redis.call('ZREM', KEYS[4], ARGV[1])
  end
  if ARGV[6] ~= '' and versions_differ(left, deadline) then
    versions_until(ARGV[12], deadline == '' and version or version - 1, KEYS[6], deadline)
  end
  for position = 18, #ARGV do
    derived_until(ARGV[position], deadline)
  end
end
if trims then
  trim(KEYS[7], KEYS[1], version + 1, KEYS[6], ARGV[12], ARGV[10], ARGV[11], 100)
end
if plan then
  apply_entries(KEYS[7], ARGV[1], plan, 8)
end
audit(ARGV[7], KEYS[5], ARGV[9], version + 1, ARGV[2], ARGV[8], 'from', ARGV[15], 'changed', ARGV[16])
return {1}
