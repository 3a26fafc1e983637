-- Records how runs of jobs ended that the worker still holds, and requests the transformations that
-- follow a success.
--
-- KEYS  1 jobs of the queue
-- ARGV  1 address  2 transformation  3 audit settings  4 audit fields
--       5 ms that a result lives, '' for as long as its item  6 number of transformations that
--       follow
--       7 … name of each that follows
--       then for each job: id; lease, see `lease_of`; the text that `take` has returned, or the id
--       of the job; how it ended; what its record says of the run, '' if that is not known; a text;
--       and a new job id for each that follows. How it ended is 's created' for a success, with the
--       time at which the item was created, if that is known, and the text is the result; 'f runs
--       delay' for a number of failed runs, and the text is the error: it is dead, or with a delay,
--       in ms, runs again then; 'r delay' if no run ended: it is queued again after a delay
-- Returns
--       {DONE, codes} for each job: DONE, by this call or by an earlier one; CANCELLED; CONFLICT:
--       another worker has the job, or it is done; NOT_FOUND: the item does not exist, and the job
--       is gone with it; WRONG_TYPE

local at, transformation = ARGV[1], ARGV[2]
local queue, context = queue_of(at, transformation), audit_context(at, ARGV[3], ARGV[4])
local results = segment_key(at, transformation_segment(transformation))
local wrong = wrong_queue(queue) or wrong_records(queue)
  or forbidden(expiry_key(at), 'EXISTS', 'ZMSCORE') or forbidden(index_key(at), 'ZMSCORE')
  or other_type(index_key(at), 'zset') or other_type(expiry_key(at), 'zset')
  or wrong_type(results, 'zset') or wrong_audit(context, '*')
local followers = {}
for number = 1, tonumber(ARGV[6]) do
  local follower = queue_of(at, ARGV[6 + number])
  wrong = wrong or wrong_queue(follower) or wrong_records(follower)
  followers[number] = follower
end
if wrong then
  return wrong
end
local time, stride = now(), 6 + #followers
local time_text = whole(time)
local has_limit = read_control(queue, 'max_running')
set_control(queue, 'seen', time_text)
local result_ttl = tonumber(ARGV[5])
local ids, leases = {}, {}
for position = 7 + #followers, #ARGV, stride do
  local number = #ids + 1
  ids[number], leases[number] = ARGV[position], ARGV[position + 1]
end
read_jobs(queue, ids)
for _, follower in ipairs(followers) do
  read_control(follower)
  read_jobs(follower, ids)
end
-- The items that have a new result, with the times of their creation; the ids of all changed jobs,
-- and the audit entries.
local succeeded, created, changed, audited = {}, {}, {}, {}

-- What is known of a job that the worker does not hold.
local function outcome_of(id, job, fence, live, how)
  local kind = string.sub(how, 1, 1)
  if live and live.job == job and live.ended == kind .. fence then
    return DONE
  end
  local record = record_of(record_key(at, id, transformation)) or {}
  local last, ended = record.last, record.ended
  if last and last.job == job and last.fence == fence and kind == 's' then
    return DONE
  elseif ended and ended.job == job then
    return ended.state == 'cancelled' and CANCELLED or kind == 'f' and ended.fence == fence and DONE or CONFLICT
  end
  return (live and live.state ~= 'x' or last or ended) and CONFLICT or NOT_FOUND
end

local records = {}
for number, id in ipairs(ids) do
  records[number] = record_key(at, id, transformation)
end
local ending = ',"finished":' .. time_text .. (result_ttl and ',"until":' .. whole(time + result_ttl) or '')
  .. ',"result":'

-- Stores a result. `about` is what the record says of the run before its end.
local function store_result(number, about, result, deadline, since)
  if result_ttl and (deadline == '' or time + result_ttl < tonumber(deadline)) then
    deadline = whole(time + result_ttl)
  end
  save_record(queue, records[number], '{' .. about .. ending .. result .. '}', deadline)
  local last = #succeeded + 1
  succeeded[last], created[last] = ids[number], since
end

-- When an item was created, as the index of all items has it.
local function created_at(id, how)
  return string.match(how, '^s (%d+)$') or redis.call('ZMSCORE', index_key(at), id)[1] or time_text
end

local function succeed(number, live, position, version, origin, deadline)
  local id = ids[number]
  for _, follower in ipairs(followers) do
    if not record_of(record_key(at, id, follower.transformation)) then
      return WRONG_TYPE
    end
  end
  local about = '"job":"' .. live.job .. '","seq":' .. live.seq .. ',"fence":' .. live.fence
    .. ',"version":' .. live.source .. ',"origin":' .. json_text(origin) .. ',"enqueued":'
    .. live.enqueued .. ',"started":' .. live.started
  if live.attempts > 0 or live.crashes > 0 then
    about = about .. ',"attempts":' .. live.attempts .. ',"crashes":' .. live.crashes
  end
  if live.trace then
    about = about .. ',"trace":' .. cjson.encode(live.trace)
  end
  store_result(number, about, ARGV[position + 5], deadline, created_at(id, ARGV[position + 3]))
  if not begin_next(queue, id, live, time) then
    save_job(queue, id, false)
  end
  if context then
    audited[#audited + 1] =
      {id, 'finish', live.source, live.job, 'transformation', transformation}
  end
  for follower_number, follower in ipairs(followers) do
    local _, following, _, is_new = request_job(follower, id, ARGV[position + 5 + follower_number], version,
      origin, {again = true, trace = live.trace}, time)
    if is_new then
      audited[#audited + 1] =
        {id, 'enqueue', version, following, 'transformation', follower.transformation}
    end
  end
  return DONE
end

-- The message is JSON.
local function fail(id, live, runs, delay, message, origin, deadline)
  live.attempts, live.ended = live.attempts + runs, 'f' .. live.fence
  live.worker, live.channel, live.progress, live.alone = nil, nil, nil, nil
  if delay ~= '' then
    live.message = message
    place(queue, id, live, tonumber(delay), time)
  elseif not begin_next(queue, id, live, time) then
    end_job(queue, id, live, 'dead', ',"error":' .. message, origin, deadline, time)
    save_job(queue, id, false)
  end
  if context then
    audited[#audited + 1] = {id, 'fail', live.source, live.job, 'transformation', transformation, 'error',
      cjson.decode('[' .. message .. ']')[1]}
  end
end

local function release(id, live, delay)
  live.ended = 'r' .. live.fence
  live.worker, live.channel, live.progress, live.alone = nil, nil, nil, nil
  live.source, live.started = '0', '0'
  if delay > 0 then
    place(queue, id, live, delay, time)
    return
  end
  live.state = 'q'
  save_job(queue, id, format_job(live))
  -- It has waited longest, so it is first.
  queue.first = queue.first or {}
  queue.first[#queue.first + 1] = {list_of(queue, live.priority), id}
  queue.has_jobs = true
end

-- Whether the record of an item can hold a result.
local has_records = redis.call('EXISTS', unpack(records)) > 0
local function is_wrong_record(number)
  if not has_records then
    return false
  end
  local found = redis.call('TYPE', records[number])['ok']
  return found ~= 'none' and found ~= 'string'
end

-- If all items exist, and since when each is to expire.
local latest = {}
for number, id in ipairs(ids) do
  latest[number] = latest_key(at, id)
end
local all_exist = redis.call('EXISTS', unpack(latest)) == #ids
local deadlines = redis.call('EXISTS', expiry_key(at)) == 1
  and redis.call('ZMSCORE', expiry_key(at), unpack(ids)) or {}

-- The leases of runs that have ended.
local ended = {}

local function complete(number, position)
  local id, lease, run, how = ids[number], leases[number], ARGV[position + 2], ARGV[position + 3]
  local text = live_job(queue, id)
  local kind = string.sub(how, 1, 1)
  if kind == 's' and (context and wrong_audit(context, id) or is_wrong_record(number)) then
    return WRONG_TYPE
  end
  if text == run and kind == 's' and all_exist and #followers == 0 and ARGV[position + 4] ~= '' then
    -- Nothing has changed since the job was taken.
    store_result(number, ARGV[position + 4], ARGV[position + 5], deadlines[number] or '', string.sub(how, 3))
    queue.found[id] = false
    queue.gone[#queue.gone + 1] = id
    if context then
      local job, source = string.match(run, '^2r%l (%w+) %d+ %d+ %w* %d+ %d+ %d+ %d+ (%d+)')
      audited[#audited + 1] = {id, 'finish', source, job, 'transformation', transformation}
    end
    ended[#ended + 1] = lease
    changed[#changed + 1] = id
    return DONE
  end
  local job, fence = string.match(run, '^2%a%l (%w+)') or run, string.match(lease, ' (%d+)$')
  local live = text and parse_job(text)
  if not (live and live.state == 'r' and live.job == job and live.fence == fence) then
    return outcome_of(id, job, fence, live, how)
  end
  if wrong_audit(context, id) then
    return WRONG_TYPE
  end
  local version, origin, deadline = item_of(latest_key(at, id))
  if version == nil or version and live.origin ~= short_origin(origin) then
    drop_job(queue, id, live)
    changed[#changed + 1] = id
    return NOT_FOUND
  elseif not version then
    -- It is no document any more. The run may end all the same.
    version, origin, deadline = tonumber(live.source), live.origin, ''
  end
  local code = DONE
  if kind == 's' then
    code = succeed(number, live, position, version, origin, deadline)
  elseif kind == 'f' then
    local runs, delay = string.match(how, '^f (%d+) (%d*)$')
    fail(id, live, tonumber(runs), delay, ARGV[position + 5], origin, deadline)
  else
    release(id, live, tonumber(string.match(how, '^r (%d+)$')))
  end
  if code == DONE then
    ended[#ended + 1] = lease
    changed[#changed + 1] = id
  end
  return code
end

local codes = {}
for number = 1, #ids do
  codes[number] = complete(number, 7 + #followers + (number - 1) * stride)
end
call_in_steps('ZREM', queue.leased, ended, 400)
queue.has_jobs = queue.has_jobs or has_limit and #ended > 0
for _, entry in ipairs(queue.first or {}) do
  redis.call('LPUSH', entry[1], entry[2])
end
flush(queue)
for _, follower in ipairs(followers) do
  flush(follower)
end
local members = {}
for number, id in ipairs(succeeded) do
  members[2 * number - 1], members[2 * number] = created[number], id
end
call_in_steps('ZADD', results, members, 400)
for _, entry in ipairs(audited) do
  audit(context, entry[1], entry[2], tonumber(entry[3]), entry[4], unpack(entry, 5))
end
publish_changes(queue, changed)
return {DONE, codes}
