-- Deletes an item with its versions, derived values, jobs and index entries. The audit trail stays.
--
-- KEYS  1 latest  2 index  3 expiry index  4 receipt  5 audit trail
--       6 the oldest version that retention has left
--       7 … derived keys, as many as ARGV 5 says, then sorted sets that may hold the id
-- ARGV  1 id  2 commit  3 what version keys begin with  4 life of the receipt in ms
--       5 number of derived keys  6 audit, packed  7 actor
--       8 the version that the item must be at, or absent
-- Gives {1} deleted, now or by an earlier run with the same commit; {0} there was no such item;
--       {2} 10,000 versions removed, the oldest first, and the rest is left: call again;
--       {-2, version} it is at another version than expected; 0 if what is there has none.

-- First, so that a duplicate that the network delivers late spares an item created since.
if redis.call('GET', KEYS[4]) == ARGV[2] then
  return {1}
end
local version = head_of(KEYS[1])
local existed = version ~= nil
local wrong = wrong_type(KEYS[2], 'zset') or wrong_type(KEYS[3], 'zset')
  or wrong_type(KEYS[2] .. ':entries', 'hash') or wrong_audit(ARGV[6], KEYS[5])
if wrong then
  return wrong
end
if ARGV[8] and existed and version ~= tonumber(ARGV[8]) then
  return {-2, version or 0}
end

local last = (version or 1) - 1
local oldest = oldest_version(KEYS[6], last + 1)
-- Longer would hold up everybody else.
local partly = last - oldest >= 10000
for first = oldest, partly and oldest + 9999 or last, 1000 do
  local keys = {}
  for number = first, math.min(first + 999, last) do
    keys[#keys + 1] = ARGV[3] .. whole(number)
  end
  redis.call('UNLINK', unpack(keys))
end
if partly then
  set_oldest_version(KEYS[6], oldest + 10000, KEYS[1])
  return {2}
end
redis.call('UNLINK', KEYS[1], KEYS[6])
local derived = tonumber(ARGV[5])
for position = 7, #KEYS do
  if position < 7 + derived then
    redis.call('UNLINK', KEYS[position])
    -- Whoever waits for a job of this item looks and finds it gone.
    redis.pcall('PUBLISH', KEYS[position], '')
  else
    redis.call('ZREM', KEYS[position], ARGV[1])
  end
end
drop_entries(KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if existed then
  redis.call('SET', KEYS[4], ARGV[2], 'PX', ARGV[4])
  audit(ARGV[6], KEYS[5], 'delete', version or 0, ARGV[2], ARGV[7])
  return {1}
end
return {0}
