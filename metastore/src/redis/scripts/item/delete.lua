-- Deletes an item with its versions, derived values, jobs and index entries. The audit trail stays.
--
-- KEYS  1 latest  2 index  3 expiry index  4 audit trail  5 the oldest version that retention has left
--       6 … derived keys, as many as ARGV 5 says, then sorted sets that may hold the id
-- ARGV  1 id  2 commit  3 what version keys begin with  4 time of the write
--       5 number of derived keys  6 audit, packed  7 actor
--       8 the version that the item must be at, or absent
-- Gives {1} deleted, now or by an earlier run with the same commit; {0} there was no such item;
--       {2} 10,000 versions removed, the oldest first, and the rest is left: call again;
--       {-2, version} it is at another version than expected; 0 if what is there has none;
--       {-8, time} the time of the write is too far from the server's;
--       {-9} an earlier run with the same commit was refused.

local index = KEYS[2]
-- First, so that a duplicate that the network delivers late spares an item created since.
local outcome = outcome_of(index, ARGV[2])
if outcome == 'removed' then
  return {1}
end
local version, commit = head_of(KEYS[1])
local existed = version ~= nil
if outcome == 'refused' then
  return {-9}
end
local late = untimely(ARGV[4])
if late then
  return refuse(index, ARGV[2], late)
end
local wrong = wrong_type(index, 'zset') or wrong_type(KEYS[3], 'zset')
  or wrong_entries(index, ARGV[1]) or wrong_audit(ARGV[6], KEYS[4]) or wrong_commits(index)
  or forbidden(KEYS[1], 'UNLINK') or forbidden(KEYS[5], 'GET', 'UNLINK', 'SET')
  or forbidden(ARGV[3] .. '1', 'UNLINK')
local derived = tonumber(ARGV[5])
for position = 6, #KEYS do
  wrong = wrong or (position < 6 + derived and forbidden(KEYS[position], 'UNLINK'))
    or (position >= 6 + derived and wrong_type(KEYS[position], 'zset'))
end
if wrong then
  return wrong
end
if ARGV[8] and existed and version ~= tonumber(ARGV[8]) then
  return refuse(index, ARGV[2], {-2, version or 0})
end

-- A document that is damaged does not say how many versions there are: they are looked for.
local damaged = version == false
local oldest = oldest_version(KEYS[5], damaged and math.huge or version or 1)
local last = damaged and oldest + 9999 or (version or 1) - 1
-- Longer would hold up everybody else.
local partly = damaged or last - oldest >= 10000
local removed = last - oldest >= 10000 and oldest + 9999 or last
-- Whoever wrote one of the youngest versions may still ask what became of the write.
local commits, time = {}, now()
for number = removed, oldest, -1 do
  local written, of = written_at(ARGV[3] .. whole(number))
  if written and written < time - REMEMBERED then
    break
  end
  commits[#commits + 1] = of
end
local count = 0
for first = oldest, removed, 1000 do
  local keys = {}
  for number = first, math.min(first + 999, removed) do
    keys[#keys + 1] = ARGV[3] .. whole(number)
  end
  count = count + redis.call('UNLINK', unpack(keys))
end
if partly and count == 0 and not damaged and redis.call('EXISTS', ARGV[3] .. whole(last)) == 1 then
  -- The oldest have expired. The first that is there, by halving.
  local missing, there = removed, last
  while there - missing > 1 do
    local middle = math.floor((missing + there) / 2)
    if redis.call('EXISTS', ARGV[3] .. whole(middle)) == 1 then
      there = middle
    else
      missing = middle
    end
  end
  removed, count = missing, 1
end
if partly and count > 0 then
  set_oldest_version(KEYS[5], removed + 1, KEYS[1])
  remember(index, commits)
  return {2}
end
redis.call('UNLINK', KEYS[1], KEYS[5])
for position = 6, #KEYS do
  if position < 6 + derived then
    redis.call('UNLINK', KEYS[position])
    -- Whoever waits for a job of this item looks and finds it gone.
    redis.pcall('PUBLISH', KEYS[position], '')
  else
    redis.call('ZREM', KEYS[position], ARGV[1])
  end
end
drop_entries(index, ARGV[1])
redis.call('ZREM', index, ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if existed then
  commits[#commits + 1] = commit
  commits[#commits + 1] = ARGV[2]
  remember(index, commits)
  audit(ARGV[6], KEYS[4], 'delete', version or 0, ARGV[2], ARGV[7])
  return {1}
end
return refuse(index, ARGV[2], {0})
