-- The live job of an item: a field of the hash `jobs` of its queue.
--
--   2<state><priority> job seq enqueued origin[ run]
--   and the run: fence attempts crashes since source started[fields]
--
-- 2 is the number of the protocol. The state is q for queued, Q for queued with a run, d for
-- delayed, r for running, or x for an id in a list whose job is gone; the priority is h, n or l.
-- `seq` orders the jobs of a queue. `origin` is the end of the origin of the item. A job that has
-- never run has no more than that. `since` is when it could first be taken, 0 for `enqueued`. Each
-- of the fields has a letter and its length in bytes in front, see FIELDS. job/live.rs reads it.

local FIELDS = {
  -- The last run that ended without a result: f if it failed, r if it was released, and its fence.
  e = 'ended',
  -- The time limit of a run in ms, and the trace context.
  p = 'timeout', t = 'trace',
  -- The worker that runs it, by its name and by its channel; what it said of its progress.
  w = 'worker', c = 'channel', o = 'progress',
  -- The error of the last failed run.
  m = 'message',
  -- The job that was requested while this one ran, see `parse_next`.
  n = 'next',
  -- The call that has retried the job.
  r = 'retry_commit',
  -- Whether a worker waits until the server knows that it has begun; whether it runs alone.
  f = 'confirm_first', a = 'alone',
  -- When it last crashed a worker.
  x = 'crashed_at',
}

-- A crash counts for a day, in ms.
local CRASH_LIFETIME = 86400000

-- The end of an origin, which is enough to tell an item from an earlier one with its id.
local function short_origin(origin)
  local last = string.sub(origin, -8)
  if string.find(last, '%W') then
    last = string.sub(string.gsub(origin, '%W', ''), -8)
  end
  return last
end

-- The job in a text; nil if the text is damaged, and then whether a newer program has written it.
local function parse_job(text)
  local state, priority, id, seq, enqueued, origin, at =
    string.match(text, '^2([qQdrx])([hnl]) (%w+) (%d+) (%d+) (%w*)()')
  if not state or #seq > 15 or #enqueued > 15 then
    local protocol = string.match(text, '^(%d+)%l')
    return nil, protocol and #protocol < 9 and tonumber(protocol) > 2
  end
  local job = {state = state == 'Q' and 'q' or state, priority = priority, job = id, seq = seq, enqueued = enqueued, origin = origin,
    fence = '0', attempts = 0, crashes = 0, since = enqueued, source = '0', started = '0'}
  if at > #text then
    return job
  end
  local fence, attempts, crashes, since, source, started, from =
    string.match(text, '^ (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)()', at)
  if not fence or #fence > 15 or #attempts > 9 or #crashes > 9 or #since > 15 or #source > 15 or #started > 15 then
    return nil
  end
  job.fence, job.source, job.started = fence, source, started
  -- 0 is the time of the request.
  job.since = since == '0' and enqueued or since
  job.attempts, job.crashes = tonumber(attempts), tonumber(crashes)
  while from <= #text do
    local field, value = FIELDS[string.sub(text, from, from)], nil
    value, from = part_at(text, from + 1)
    if not field or not value then
      return nil
    end
    job[field] = value
  end
  return job
end

-- Whether a text is that of a queued job that has never run.
local function is_first_run(text)
  return #text < 100 and string.find(text, '^2q[hnl] %w+ %d+ %d+ %w*$')
end

local function format_job(job)
  local head = job.priority .. ' ' .. job.job .. ' ' .. job.seq .. ' ' .. job.enqueued .. ' '
    .. job.origin
  local fields = ''
  for letter, field in pairs(FIELDS) do
    local value = job[field]
    if value then
      fields = fields .. letter .. #value .. ':' .. value
    end
  end
  if fields == '' and job.fence == '0' and job.since == job.enqueued and job.attempts == 0 then
    return '2' .. job.state .. head
  end
  -- A queued job with more than the head has a state of its own, so that `take` knows it.
  local state = job.state == 'q' and 'Q' or job.state
  return '2' .. state .. head .. ' ' .. job.fence .. ' ' .. job.attempts .. ' ' .. job.crashes .. ' ' .. job.since .. ' ' .. job.source
    .. ' ' .. job.started .. fields
end

-- The member of `leased` of a run. The worker that holds the job is the one with this fence.
local function lease_of(id, fence)
  return id .. ' ' .. fence
end

-- A job that was requested while another one ran: job seq delay priority timeout trace.
local function parse_next(text)
  local job, seq, delay, priority, timeout, trace =
    string.match(text or '', '^(%w+) (%d+) (%d+) ([hnl]) (%d*) (.*)$')
  return job and {job = job, seq = seq, delay = tonumber(delay), priority = priority, timeout = timeout, trace = trace}
end

local LISTS = {h = 'high', n = 'waiting', l = 'low'}
local RANK = {h = 1, n = 2, l = 3}

local function list_of(queue, priority)
  return queue[LISTS[priority]]
end

-- Puts a job into its list, or among the delayed ones.
local function place(queue, id, job, delay, time)
  if delay > 0 then
    job.state, job.since = 'd', whole(time + delay)
    add_member(queue, queue.delayed, id, whole(due_score(job.priority, time + delay)))
    -- A worker must learn of it, unless one waits until an earlier time.
    queue.has_jobs = queue.has_jobs or queue.timer < time or time + delay < queue.timer
  else
    job.state, job.since = 'q', whole(time)
    push(queue, list_of(queue, job.priority), id)
  end
  save_job(queue, id, format_job(job))
end

-- Removes the live job of an item from its queue, with its lease. Its id may stay in a list.
local function drop_job(queue, id, job)
  if job.state == 'q' then
    job.state = 'x'
    queue.stale = queue.stale + 1
    save_job(queue, id, '2x' .. job.priority .. ' ' .. job.job .. ' ' .. job.seq .. ' ' .. job.enqueued .. ' ')
    return
  end
  if job.state == 'd' then
    remove_member(queue, queue.delayed, id)
  elseif job.state == 'r' then
    remove_member(queue, queue.leased, lease_of(id, job.fence))
    if job.channel then
      redis.pcall('PUBLISH', cancel_channel(queue.at, queue.transformation, job.channel), '')
    end
    queue.has_jobs = true
  end
  save_job(queue, id, false)
end

-- Reads the live jobs of items.
local function read_jobs(queue, ids)
  for first = 1, #ids, 400 do
    local last = math.min(first + 399, #ids)
    local found = redis.call('HMGET', queue.jobs, unpack(ids, first, last))
    for number = first, last do
      queue.found[ids[number]] = found[number - first + 1]
    end
  end
end

-- The text of the live job of an item, which `read_jobs` has read.
local function live_job(queue, id)
  local text = queue.saved[id]
  if text == nil then
    return queue.found[id]
  end
  return text
end

-- A new job that has not been placed.
local function new_job(queue, id, origin, options, time)
  local priority = options.priority
  return {state = 'q', priority = RANK[priority] and priority or 'n', job = id, seq = whole(next_number(queue)),
    enqueued = whole(time), origin = short_origin(origin), fence = '0', attempts = 0, crashes = 0,
    since = whole(time), source = '0', started = '0', timeout = options.timeout ~= '' and options.timeout or nil,
    trace = options.trace ~= '' and options.trace or nil}
end

-- Continues with the job that was requested while `job` ran; returns false if there is none.
local function begin_next(queue, id, job, time)
  local options = parse_next(job.next)
  if not options then
    return false
  end
  local after = new_job(queue, options.job, job.origin, options, time)
  after.seq = options.seq
  place(queue, id, after, options.delay, time)
  return true
end

-- Ends a job without a result, as `state`: dead or cancelled. `fields` of JSON say more of it. An
-- earlier result of the item stays.
local function end_job(queue, id, job, state, fields, origin, deadline, time)
  local key = record_key(queue.at, id, queue.transformation)
  local text = redis.pcall('GET', key)
  if type(text) ~= 'table' then
    local ended = '{"state":"' .. state .. '","job":"' .. job.job .. '","seq":' .. job.seq .. ',"origin":'
      .. json_text(origin) .. fields .. ',"fence":' .. job.fence .. ',"version":' .. job.source .. ',"attempts":'
      .. job.attempts .. ',"crashes":' .. job.crashes .. ',"enqueued":' .. job.enqueued .. ',"started":'
      .. job.started .. ',"finished":' .. whole(time) .. (job.trace and ',"trace":' .. cjson.encode(job.trace) or '')
      .. '}'
    local record = parse_record(text)
    local rest = record.last and record.last.origin == origin and string.match(record.rest, '^%s*{(.*)$')
    save_record(queue, key, '{"ended":' .. ended .. (rest and ',' .. rest or '}'), deadline)
  end
  if state == 'dead' then
    add_member(queue, queue.dead, id, whole(time))
  end
end

-- Ends a job that failed for good, or continues with the one that was requested meanwhile.
local function dead_letter(queue, id, job, message, origin, deadline, time)
  if not begin_next(queue, id, job, time) then
    end_job(queue, id, job, 'dead', ',"error":' .. cjson.encode(message), origin, deadline, time)
    save_job(queue, id, false)
  end
end

-- Ends a job whose text is damaged, with a message that says so, so that it can be retried.
local function dead_letter_damaged(queue, id, text, time)
  local job = new_job(queue, string.match(text, '^2%l%l (%w+) ') or 'unknown', '', {}, time)
  local version, origin, deadline = item_of(latest_key(queue.at, id))
  save_job(queue, id, false)
  if version then
    end_job(queue, id, job, 'dead', ',"error":"the entry of this job in the queue is damaged; retry the job or discard it"',
      origin, deadline, time)
  end
end
