-- Stores the results of jobs that the worker still holds, and requests the transformations that
-- follow.
--
-- KEYS  1–7 queue  8 … the queues of the transformations that follow, seven keys each
-- ARGV  1 address  2 transformation  3 audit settings  4 audit fields
--       5 ms that a result lives, '' for as long as its item  6 number of transformations that
--       follow
--       7 … name of each that follows
--       then id, job, fence and result of each job, and a new job id for each that follows
-- Returns
--       {DONE, codes} for each job: DONE, by this call or by an earlier one; CONFLICT: another
--       worker has the job, or it is done; NOT_FOUND: the item does not exist, and the job is gone
--       with it; WRONG_TYPE

local at, transformation = ARGV[1], ARGV[2]
local queue, context = queue_of(1, at, transformation), audit_context(at, ARGV[3], ARGV[4])
local index, results = index_key(at), segment_key(at, transformation_segment(transformation))
local wrong = wrong_queue(queue) or wrong_records(queue) or wrong_type(index, 'zset')
  or wrong_type(results, 'zset') or forbidden(queue.control, 'HEXISTS') or forbidden(index, 'ZMSCORE')
  or wrong_audit(context, '*')
local followers = {}
for number = 1, tonumber(ARGV[6]) do
  local follower = queue_of(1 + 7 * number, at, ARGV[6 + number])
  wrong = wrong or wrong_queue(follower) or wrong_record(record_key(at, '*', follower.transformation))
  followers[number] = follower
end
if wrong then
  return wrong
end
local time = now()
local time_text = whole(time)
local call = redis.call
local result_ttl = tonumber(ARGV[5])
-- What is done to a sorted set is done for all jobs together, at the end.
local finished = {}

local function finish(position)
  local id, job, fence = ARGV[position], ARGV[position + 1], ARGV[position + 2]
  local record, latest = record_key(at, id, transformation), latest_key(at, id)
  local found = redis.pcall('HMGET', record, 'job', 'fence', 'state', 'source', 'next', 'result_of', 'error',
    'progress', 'origin')
  if found.err then
    return WRONG_TYPE
  end
  local run, source = run_of(job, fence), number_in(found[4], 0)
  if begins_with(found[6], run) then
    return DONE
  end
  if not found[1] then
    return NOT_FOUND
  end
  if found[1] ~= job or found[2] ~= fence or found[3] ~= 'running' then
    return CONFLICT
  end
  if wrong_audit(context, id) then
    return WRONG_TYPE
  end
  for _, follower in ipairs(followers) do
    if other_type(record_key(at, id, follower.transformation), 'hash') then
      return WRONG_TYPE
    end
  end
  local left = call('PTTL', latest)
  local version, _, origin = header_of(latest)
  if left == -2 or is_of_another(found[9], origin) then
    drop_record(queue, record, id)
    return NOT_FOUND
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
    begin_next(queue, record, id, found[5], time)
  elseif left > 0 then
    call('PEXPIRE', record, left)
  end
  audit(context, id, 'finish', source, job, 'transformation', transformation)
  for number, follower in ipairs(followers) do
    local options = {again = true, trace = call('HGET', record, 'trace')}
    local _, following, is_new = request_job(follower, record_key(at, id, follower.transformation), latest, id,
      ARGV[position + 3 + number], version or source, origin or found[9], options, time)
    if is_new then
      audit(context, id, 'enqueue', version or source, following, 'transformation', follower.transformation)
    end
  end
  redis.pcall('PUBLISH', record, '')
  return DONE
end

local codes = {}
for position = 7 + #followers, #ARGV, 4 + #followers do
  -- A damaged record must not keep the other jobs from being flushed.
  local _, code = pcall(finish, position)
  codes[#codes + 1] = type(code) == 'number' and code or WRONG_TYPE
end
for first = 1, #finished, 100 do
  local last = math.min(first + 99, #finished)
  redis.call('ZREM', queue.leased, unpack(finished, first, last))
  local scores = redis.call('ZMSCORE', index, unpack(finished, first, last))
  local members = {}
  for number, score in ipairs(scores) do
    members[2 * number - 1] = score or time_text
    members[2 * number] = finished[first + number - 1]
  end
  redis.call('ZADD', results, unpack(members))
end
-- Where the number of running jobs is limited, other jobs may have waited for this.
if redis.call('HEXISTS', queue.control, 'max_running') == 1 then
  queue.has_turned = true
end
flush(queue)
for _, follower in ipairs(followers) do
  flush(follower)
end
return {DONE, codes}
