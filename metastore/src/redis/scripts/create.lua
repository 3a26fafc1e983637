-- Creates an item that must not exist yet.
--
-- KEYS  1 latest  2 index  3 expiry index  4 audit trail
-- ARGV  1 id  2 commit  3 document  4 creation time  5 deadline, '' for none
--       6 audit '1' or '0'  7 actor
-- Gives {1} written, now or by an earlier run with the same commit; {0} the id is taken.

-- First, because a transaction may have written the document and failed at one of these.
local wrong = wrong_type(KEYS[2], 'zset') or wrong_type(KEYS[3], 'zset')
  or (ARGV[6] == '1' and wrong_type(KEYS[4], 'stream'))
if wrong then
  return wrong
end
local version, commit = head_of(KEYS[1])
if version ~= nil then
  if commit == ARGV[2] then
    return {1}
  end
  return {0}
end

if ARGV[5] == '' then
  redis.call('SET', KEYS[1], ARGV[3])
else
  redis.call('SET', KEYS[1], ARGV[3], 'PXAT', ARGV[5])
  redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
end
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
audit(ARGV[6], KEYS[4], 'create', 1, ARGV[2], ARGV[7])
return {1}
