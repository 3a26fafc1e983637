-- Stores the results of jobs that the worker still holds, and requests the transformations that follow.
--
-- KEYS  1–7 queue  8 … the queues of the transformations that follow, seven keys each
-- ARGV  1 wake channel  2 what item keys begin with  3 what records end with  4 what latest keys end
--       with  5 audit, packed, but for the id  6 what audit trails begin with  7 actor  8 name of the transformation
--       9 ms that a result lives, '' for as long as its item  10 number of those that follow
--       11 index  12 … wake channel, end of records and name of each that follows
--       then id, job, fence and result of each job, and a new job id for each that follows
-- Gives {1, verdicts}, for each job: 1 stored, now or by an earlier run; 0 refused: another worker has
--       the job, or it is done; -1 the item is gone, and the job with it; -3 a key of the item holds
--       another type of value.

local queue = queue_of(1, ARGV[1])
local listed = ARGV[11] .. ':transformation:' .. ARGV[8]
local wrong = not_a_queue(queue) or no_records(ARGV[2], ARGV[3]) or wrong_type(ARGV[11], 'zset')
  or wrong_type(listed, 'zset') or forbidden(queue.control, 'HEXISTS') or forbidden(ARGV[11], 'ZMSCORE')
  or (ARGV[5] ~= '' and wrong_audit(packed_for(ARGV[5], '*'), ARGV[6] .. '*'))
local followers = {}
for number = 1, tonumber(ARGV[10]) do
  local at = 12 + (number - 1) * 3
  local follower = queue_of(1 + 7 * number, ARGV[at])
  follower.record_suffix, follower.name = ARGV[at + 1], ARGV[at + 2]
  wrong = wrong or not_a_queue(follower) or no_records(ARGV[2], follower.record_suffix)
  followers[number] = follower
end
if wrong then
  return wrong
end
local time = now()
local time_text = whole(time)
local call = redis.call
local prefix, record_suffix, latest_suffix = ARGV[2], ARGV[3], ARGV[4]
local pieces, trail_prefix, result_ttl = ARGV[5], ARGV[6], tonumber(ARGV[9])
-- What is done to a set for all of them is done at once, at the end.
local finished = {}

local function finish(position)
  local id, job, fence = ARGV[position], ARGV[position + 1], ARGV[position + 2]
  local record, latest = prefix .. id .. record_suffix, prefix .. id .. latest_suffix
  local found = redis.pcall('HMGET', record, 'job', 'fence', 'state', 'source', 'next', 'result_of', 'error',
    'progress', 'origin')
  if found.err then
    return -3
  end
  local run, source = run_of(job, fence), number_in(found[4], 0)
  if is_of(found[6], run) then
    return 1
  end
  if not found[1] then
    return -1
  end
  if found[1] ~= job or found[2] ~= fence or found[3] ~= 'running' then
    return 0
  end
  local packed, trail = packed_for(pieces, id), nil
  if packed ~= '' then
    trail = trail_prefix .. id
    if wrong_audit(packed, trail) then
      return -3
    end
  end
  for number = 1, #followers do
    if other_type(prefix .. id .. followers[number].record_suffix, 'hash') then
      return -3
    end
  end
  local left = call('PTTL', latest)
  local version, origin = item_of(latest)
  if left == -2 or is_of_another(found[9], origin) then
    drop_record(queue, record, id)
    return -1
  end
  call('HSET', record, 'state', 'done', 'finished', time_text, 'result', ARGV[position + 3],
    'result_of', run .. whole(source) .. ' ' .. time_text)
  finished[#finished + 1] = id
  if found[7] or found[8] then
    call('HDEL', record, 'error', 'progress')
  end
  if result_ttl then
    call('HSET', record, 'result_until', whole(time + result_ttl))
    left = left < 0 and result_ttl or math.min(left, result_ttl)
  end
  if found[5] then
    follow(queue, record, id, found[5], time)
  elseif left > 0 then
    call('PEXPIRE', record, left)
  end
  audit(packed, trail, 'finish', source, job, ARGV[7], 'transformation', ARGV[8])
  for number = 1, #followers do
    local follower = followers[number]
    local trace = call('HGET', record, 'trace')
    local _, following, is_new = request(follower, prefix .. id .. follower.record_suffix, latest, id,
      ARGV[position + 3 + number], version or source, origin or found[9],
      {again = true, trace = trace}, time)
    if is_new then
      audit(packed, trail, 'enqueue', version or source, following, ARGV[7], 'transformation',
        follower.name)
    end
  end
  redis.pcall('PUBLISH', record, '')
  return 1
end

local verdicts = {}
for position = 12 + #followers * 3, #ARGV, 4 + #followers do
  -- A record that makes no sense must not keep the others from being settled.
  local _, verdict = pcall(finish, position)
  verdicts[#verdicts + 1] = type(verdict) == 'number' and verdict or -3
end
for first = 1, #finished, 100 do
  local last = math.min(first + 99, #finished)
  redis.call('ZREM', queue.leased, unpack(finished, first, last))
  local scores = redis.call('ZMSCORE', ARGV[11], unpack(finished, first, last))
  local members = {}
  for number, score in ipairs(scores) do
    members[2 * number - 1] = score or time_text
    members[2 * number] = finished[first + number - 1]
  end
  redis.call('ZADD', listed, unpack(members))
end
-- Where the number of running ones is limited, others may have waited for this.
if redis.call('HEXISTS', queue.control, 'max_running') == 1 then
  queue.has_turned = true
end
settle(queue)
for _, follower in ipairs(followers) do
  settle(follower)
end
return {1, verdicts}
