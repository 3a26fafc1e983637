-- Creates an item that must not exist yet.
--
-- KEYS  1 latest  2 index  3 expiry index  4 audit trail
--       5 … sorted sets that may hold the ids of items that have expired
-- ARGV  1 address  2 id  3 commit  4 document  5 time of creation  6 deadline, '' for none
--       7 audit settings  8 audit fields  9 record of entries, '' for none  10 time of the write
-- Returns
--       {DONE} created; {DONE, 1} created by an earlier call with the same commit
--       {CONFLICT} the id is taken
--       {VALUE_TAKEN, segment} another item has the value of a unique field
--       {CLOCK_SKEW, time} with the server's time
--       {REFUSED_BEFORE}

local at, id, commit, document, deadline = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[6]
local context = audit_context(at, ARGV[7], ARGV[8])
local version, _, origin = header_of(KEYS[1])
local outcome = commit_outcome(at, commit)
if origin == commit or outcome == 'removed' then
  return {DONE, 1}
end
if version ~= nil then
  return other_type(KEYS[1], 'string') or refuse_commit(at, commit, {CONFLICT})
end
if outcome == 'refused' then
  return {REFUSED_BEFORE}
end
local skew = clock_skew(ARGV[10])
if skew then
  return refuse_commit(at, commit, skew)
end
-- An earlier call may have created it, and it has expired since.
if deadline ~= '' and tonumber(deadline) <= now() then
  return refuse_commit(at, commit, {CLOCK_SKEW, whole(now())})
end
local wrong = wrong_type(KEYS[2], 'zset') or wrong_type(KEYS[3], 'zset') or wrong_audit(context, id)
  or forbidden(KEYS[1], 'SET')
if wrong then
  return wrong
end
-- An item that has expired or was removed by another tool may have left entries under this id.
local plan, taken
if ARGV[9] ~= '' or redis.call('HEXISTS', entries_key(at), id) == 1 then
  plan, taken = plan_entries(at, id, ARGV[9])
  if plan and plan.err then
    return plan
  end
  if taken then
    return refuse_commit(at, commit, {VALUE_TAKEN, taken})
  end
end

if deadline == '' then
  redis.call('SET', KEYS[1], document)
else
  redis.call('SET', KEYS[1], document, 'PXAT', deadline)
  redis.call('ZADD', KEYS[3], deadline, id)
end
redis.call('ZADD', KEYS[2], ARGV[5], id)
if plan then
  apply_entries(at, id, plan, 5)
end
audit(context, id, 'create', 1, commit)
return {DONE}
