-- Deletes an item with its versions, derived values, jobs and index entries. The audit trail stays.
--
-- KEYS  1 latest  2 index  3 expiry index  4 audit trail  5 number of the oldest version
--       6 … derived keys, as many as ARGV 5 says, then sorted sets that may hold the id
-- ARGV  1 address  2 id  3 commit  4 time of the write  5 number of derived keys
--       6 audit settings  7 audit fields
--       8 transformations, separated by spaces
--       9 version that the item must be at; absent for any
-- Returns
--       {DONE} deleted, by this call or by an earlier one with the same commit
--       {PARTLY} 10,000 versions are removed, the oldest first, and the rest is left: call again
--       {NOT_FOUND}
--       {CONFLICT, version} it is at another version than expected; 0 if the document has none
--       {CLOCK_SKEW, time} with the server's time
--       {REFUSED_BEFORE}

local at, id, commit, derived = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])
local context = audit_context(at, ARGV[6], ARGV[7])
-- First, so that a duplicate that the network delivers late does not delete an item created since.
local outcome = commit_outcome(at, commit)
if outcome == 'removed' then
  return {DONE}
end
local version, last_commit = header_of(KEYS[1])
local existed = version ~= nil
if outcome == 'refused' then
  return {REFUSED_BEFORE}
end
local skew = clock_skew(ARGV[4])
if skew then
  return refuse_commit(at, commit, skew)
end
local wrong = (version == false and last_commit) or wrong_type(KEYS[2], 'zset')
  or wrong_type(KEYS[3], 'zset') or wrong_entries(at, id) or wrong_audit(context, id)
  or wrong_commits(at) or forbidden(KEYS[1], 'UNLINK')
  or forbidden(KEYS[5], 'GET', 'UNLINK', 'SET') or forbidden(version_key(at, id, '1'), 'UNLINK')
local queues = {}
for transformation in string.gmatch(ARGV[8], '%S+') do
  local queue = queue_of(at, transformation)
  wrong = wrong or wrong_queue(queue, true)
  queues[#queues + 1] = queue
end
for position = 6, #KEYS do
  wrong = wrong or (position < 6 + derived and forbidden(KEYS[position], 'UNLINK'))
    or (position >= 6 + derived and wrong_type(KEYS[position], 'zset'))
end
if wrong then
  return wrong
end
if ARGV[9] and existed and version ~= tonumber(ARGV[9]) then
  return refuse_commit(at, commit, {CONFLICT, version or 0})
end

-- A damaged document does not say how many versions there are, so they are searched for.
local is_damaged = version == false
local oldest = oldest_version(at, id, is_damaged and math.huge or version or 1)
local last = is_damaged and oldest + 9999 or (version or 1) - 1
-- More would block the server for too long.
local is_partial = is_damaged or last - oldest >= 10000
local removed = last - oldest >= 10000 and oldest + 9999 or last
-- The writer of one of the youngest versions may still ask for the outcome.
local commits, time = {}, now()
for number = removed, oldest, -1 do
  local written, of = written_at(version_key(at, id, whole(number)))
  if written and written < time - COMMIT_LIFETIME then
    break
  end
  commits[#commits + 1] = of
end
local count = 0
for first = oldest, removed, 1000 do
  local keys = {}
  for number = first, math.min(first + 999, removed) do
    keys[#keys + 1] = version_key(at, id, whole(number))
  end
  count = count + redis.call('UNLINK', unpack(keys))
end
if is_partial and count == 0 and not is_damaged
  and redis.call('EXISTS', version_key(at, id, whole(last))) == 1 then
  -- The oldest versions have expired. The first one that exists is found by bisection.
  local missing, found = removed, last
  while found - missing > 1 do
    local middle = math.floor((missing + found) / 2)
    if redis.call('EXISTS', version_key(at, id, whole(middle))) == 1 then
      found = middle
    else
      missing = middle
    end
  end
  removed, count = missing, 1
end
if is_partial and count > 0 then
  set_oldest_version(at, id, removed + 1)
  keep_commits(at, commits)
  return {PARTLY}
end
redis.call('UNLINK', KEYS[1], KEYS[5])
for position = 6, #KEYS do
  if position < 6 + derived then
    redis.call('UNLINK', KEYS[position])
  else
    redis.call('ZREM', KEYS[position], id)
  end
end
for _, queue in ipairs(queues) do
  read_control(queue)
  read_jobs(queue, {id})
  local job = parse_job(live_job(queue, id) or '')
  if job and job.state ~= 'x' then
    drop_job(queue, id, job)
  end
  flush(queue)
  -- Callers that wait for a job of this item look again.
  publish_changes(queue, {id})
end
drop_entries(at, id)
redis.call('ZREM', KEYS[2], id)
redis.call('ZREM', KEYS[3], id)
if existed then
  commits[#commits + 1] = last_commit
  commits[#commits + 1] = commit
  keep_commits(at, commits)
  audit(context, id, 'delete', version or 0, commit)
  return {DONE}
end
return refuse_commit(at, commit, {NOT_FOUND})
