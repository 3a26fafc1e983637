-- Creates an item that must not exist yet.
--
-- KEYS  1 latest  2 index  3 expiry index  4 audit trail
--       5 … sorted sets that may hold the ids of items that have expired
-- ARGV  1 id  2 commit  3 document  4 creation time  5 deadline, '' for none
--       6 audit, packed  7 actor  8 entries of the indexes, '' for none
--       9 what item keys begin with  10 time of the write
-- Gives {1} written; {1, 1} written by an earlier run with the same commit; {0} the id is taken;
--       {-3, index} another item has the value of a unique field; {-8, time} the time of the write is too
--       far from the server's; {-9} an earlier run with the same commit was refused.

local _, origin = item_of(KEYS[1])
local outcome = outcome_of(KEYS[2], ARGV[2])
if origin == ARGV[2] or outcome == 'removed' then
  return {1, 1}
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  return other_type(KEYS[1], 'string') or refuse(KEYS[2], ARGV[2], {0})
end
if outcome == 'refused' then
  return {-9}
end
local late = untimely(ARGV[10])
if late then
  return refuse(KEYS[2], ARGV[2], late)
end
-- An earlier run may have created it, and it has expired since.
if ARGV[5] ~= '' and tonumber(ARGV[5]) <= now() then
  return refuse(KEYS[2], ARGV[2], {-8, whole(now())})
end
local wrong = wrong_type(KEYS[2], 'zset') or wrong_type(KEYS[3], 'zset') or wrong_audit(ARGV[6], KEYS[4])
  or forbidden(KEYS[1], 'SET')
if wrong then
  return wrong
end
-- An item that expired or was removed by hand may have left entries under this id.
local plan, taken
if ARGV[8] ~= '' or redis.call('HEXISTS', KEYS[2] .. ':entries', ARGV[1]) == 1 then
  plan, taken = plan_entries(KEYS[2], ARGV[9], ARGV[1], ARGV[8])
  if plan and plan.err then
    return plan
  end
  if taken then
    return refuse(KEYS[2], ARGV[2], {-3, taken})
  end
end

if ARGV[5] == '' then
  redis.call('SET', KEYS[1], ARGV[3])
else
  redis.call('SET', KEYS[1], ARGV[3], 'PXAT', ARGV[5])
  redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
end
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
if plan then
  apply_entries(KEYS[2], ARGV[1], plan, 5)
end
audit(ARGV[6], KEYS[4], 'create', 1, ARGV[2], ARGV[7])
return {1}
