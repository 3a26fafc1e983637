-- Writes the next version of an item, if it is still at the expected one. The current version
-- becomes a version key by RENAME, so each version is stored once and sent once.
--
-- KEYS  1 latest  2 version key of the expected version  3 version key of the new version
--       4 expiry index  5 audit trail  6 number of the oldest version  7 index
--       8 … sorted sets that may hold the ids of items that have expired
-- ARGV  1 address  2 id  3 commit  4 document  5 expected version
--       6 commit of the expected version, '' for any
--       7 new deadline, '' to keep the present one, '-' to remove it
--       8 audit settings  9 audit fields  10 operation
--       11 version that is superseded or restored  12 names of the fields that change
--       13 how many versions to keep  14 for how many ms to keep a superseded one; '' for no bound
--       15 record of entries, '' for none, '-' if the program has no indexes  16 time of the write
--       17 segments of what can be derived from the item, separated by spaces, if the deadline
--       changes
-- Returns
--       {DONE} written; {DONE, 1} written by an earlier call with the same commit
--       {CONFLICT, version} it is at another version
--       {NOT_FOUND}
--       {NOT_A_DOCUMENT}
--       {VALUE_TAKEN, segment} another item has the value of a unique field
--       {CLOCK_SKEW, time} with the server's time
--       {REFUSED_BEFORE}

local at, id, commit, document, record = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[15]
local context = audit_context(at, ARGV[8], ARGV[9])
local version, base_commit = header_of(KEYS[1])
if not version or version ~= tonumber(ARGV[5]) or (ARGV[6] ~= '' and base_commit ~= ARGV[6]) then
  -- An earlier call may have written the version, and it has been superseded or removed since.
  local _, later = header_of(KEYS[3])
  if base_commit == commit or later == commit or commit_outcome(at, commit) == 'removed' then
    return {DONE, 1}
  elseif not version then
    return no_document(version, base_commit)
  end
  return {CONFLICT, version}
end
-- Only such an update can have been refused while its base was the current version.
local changes_deadline, has_indexes = ARGV[7] ~= '', record ~= '-'
if changes_deadline or has_indexes then
  local skew = clock_skew(ARGV[16])
  if skew then
    return refuse_commit(at, commit, skew)
  end
  if commit_outcome(at, commit) == 'refused' then
    return {REFUSED_BEFORE}
  end
end
local trims = ARGV[13] ~= '' or ARGV[14] ~= ''
local wrong = wrong_type(KEYS[4], 'zset') or wrong_audit(context, id)
  or forbidden(KEYS[1], 'RENAME', 'SET', 'SETRANGE') or forbidden(KEYS[2], 'RENAME')
  or (changes_deadline and (forbidden(KEYS[2], 'PTTL', 'PEXPIREAT', 'PERSIST')
    or forbidden(KEYS[6], 'PEXPIREAT', 'PERSIST')))
  or (trims and (wrong_commits(at) or forbidden(KEYS[2], 'UNLINK')
    or forbidden(KEYS[6], 'GET', 'SET', 'UNLINK')))
if changes_deadline then
  for segment in string.gmatch(ARGV[17], '%S+') do
    wrong = wrong or forbidden(derived_key(at, id, segment), 'GETRANGE', 'PEXPIREAT', 'PERSIST')
  end
end
if wrong then
  return wrong
end
local plan, taken
-- Entries that another program keeps in indexes that this one does not have are removed, because
-- they are out of date.
if has_indexes or redis.call('HEXISTS', entries_key(at), id) == 1 then
  plan, taken = plan_entries(at, id, has_indexes and record or '', false, true)
  if plan and plan.err then
    return plan
  end
  if taken then
    return refuse_commit(at, commit, {VALUE_TAKEN, taken})
  end
end
refuse_if_full(KEYS[1])

local left = redis.call('PTTL', KEYS[1])
local deadline = ARGV[7] ~= '-' and ARGV[7] or ''
if not changes_deadline and left > 0 then
  -- It may have been renewed since the caller read the item.
  local _, stated = stated_deadline(KEYS[1])
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('SET', KEYS[1], document, 'PX', left)
  state_deadline(KEYS[1], stated or '')
else
  redis.call('RENAME', KEYS[1], KEYS[2])
  if deadline ~= '' then
    redis.call('SET', KEYS[1], document, 'PXAT', deadline)
    redis.call('ZADD', KEYS[4], deadline, id)
    -- A version lives as long as the item would have lived without further writes.
    redis.call('PEXPIREAT', KEYS[2], deadline)
  else
    redis.call('SET', KEYS[1], document)
  end
  if ARGV[7] == '-' then
    redis.call('ZREM', KEYS[4], id)
  end
  if changes_deadline then
    if versions_differ(left, deadline) then
      expire_versions_at(at, id, deadline == '' and version or version - 1, deadline)
    end
    for segment in string.gmatch(ARGV[17], '%S+') do
      expire_derived_at(at, id, segment, deadline)
    end
  end
end
if trims then
  trim_versions(at, id, version + 1, ARGV[13], ARGV[14], 100)
end
if plan then
  apply_entries(at, id, plan, 8)
end
audit(context, id, ARGV[10], version + 1, commit, 'from', ARGV[11], 'changed', ARGV[12])
return {DONE}
