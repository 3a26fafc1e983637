-- Jobs. The job of a transformation on an item, and its result, are fields of a hash, the record.

-- The field of a record that keeps its job from being run, because its value is not valid; nil if
-- there is none. `numbers` are fields with their values, false for missing ones.
local function damaged_field(job, numbers)
  if not job or not string.find(job, '^%w+$') then
    return 'job'
  end
  for field, text in pairs(numbers) do
    local digits = (field == 'attempts' or field == 'crashes') and 9 or 15
    if text and not number_in(text, nil, digits) then
      return field
    end
  end
end

-- The error if the user may not do with a record what scripts do with it.
local function wrong_record(record)
  return forbidden(record, 'HMGET', 'HGET', 'HSET', 'HDEL', 'HINCRBY', 'PEXPIRE', 'PERSIST', 'DEL')
end

-- The same for all records of a queue, and for the items.
local function wrong_records(queue)
  return wrong_record(record_key(queue.at, '*', queue.transformation))
    or forbidden(latest_key(queue.at, '*'), 'GETRANGE', 'GET', 'PTTL')
end

-- Lets a record expire with its item, so that nothing is left of a job when its item expires. A new
-- record has no deadline yet.
local function expire_with_item(record, latest, is_new)
  local left = redis.call('PTTL', latest)
  if left > 0 then
    redis.call('PEXPIRE', record, left)
  elseif not is_new then
    redis.call('PERSIST', record)
  end
end

-- Whether a record with this origin is of an earlier item than the one with `origin`: a program
-- that does not know the transformation has deleted that item. An item without an origin is no
-- document, or does not exist.
local function is_of_another(found, origin)
  return origin ~= nil and found ~= origin
end

-- Removes such a record with its job. Its id may stay in a list, where `take` skips it.
local function drop_record(queue, record, id)
  redis.call('DEL', record)
  redis.call('ZREM', queue.delayed, id)
  redis.call('ZREM', queue.leased, id)
  redis.call('ZREM', queue.dead, id)
  redis.pcall('PUBLISH', record, '')
end

-- What `result_of` begins with: 'job fence version time' of the run of a result.
local function run_of(job, fence)
  return job .. ' ' .. fence .. ' '
end

local function begins_with(text, start)
  return text and string.sub(text, 1, #start) == start
end

-- Writes the options of a job; '' for the default.
local function set_options(record, prefix, priority, timeout, trace)
  if priority and priority ~= '' and priority ~= 'normal' then
    redis.call('HSET', record, prefix .. 'priority', priority)
  end
  if timeout and timeout ~= '' then
    redis.call('HSET', record, prefix .. 'timeout', timeout)
  end
  if trace and trace ~= '' then
    redis.call('HSET', record, prefix .. 'trace', trace)
  end
end

-- The fields that the record of a new job does not have. Missing attempts and crashes are 0, and a
-- missing `since` is `enqueued`.
local ABSENT = {'error', 'source', 'started', 'finished', 'worker', 'progress', 'priority', 'timeout', 'trace',
  'attempts', 'crashes', 'since'}

-- Begins a new job in a record that may hold the end of an earlier one, whose state is `before`.
local function open_job(queue, record, latest, origin, id, job, before, state, options, since, time)
  if before then
    local result_until = redis.call('HGET', record, 'result_until')
    redis.call('HDEL', record, unpack(ABSENT))
    if result_until and number_in(result_until, 0) <= time then
      redis.call('HDEL', record, 'result', 'result_of', 'result_until')
    end
    if before == 'dead' then
      redis.call('ZREM', queue.dead, id)
    end
  end
  redis.call('HSET', record, 'job', job, 'state', state, 'enqueued', whole(time), 'origin', origin)
  if since > time then
    redis.call('HSET', record, 'since', whole(since))
  end
  set_options(record, '', options.priority, options.timeout, options.trace)
  expire_with_item(record, latest, not before)
end

-- Requests a run on this version of an item with this origin. `options`: delay, priority, timeout,
-- trace, and `again` if a run on this very version is not enough.
-- Returns 1 and a new job, and whether it was queued by this call and not by an earlier one with
-- the same id; or
-- 2 and the live job that is enough: it waits, or it runs on this version; or WRONG_TYPE if the
-- record holds another type of value.
local function request_job(queue, record, latest, id, job, version, origin, options, time)
  local found = redis.pcall('HMGET', record, 'job', 'state', 'source', 'next', 'result_of', 'attempts',
    'priority', 'origin')
  if found.err then
    return WRONG_TYPE, job
  end
  if found[1] == job or found[4] == job or begins_with(found[5], job .. ' ') then
    return 1, job
  end
  local is_job = found[1] and string.find(found[1], '^%w+$')
  if found[1] and (not is_job or is_of_another(found[8], origin)) then
    drop_record(queue, record, id)
    found = {}
  end
  local state, delay = found[2], options.delay or 0
  if state == 'queued' then
    -- A more urgent request moves it to another list. `take` skips what is left in the first one.
    local wanted = options.priority or 'normal'
    if (RANK[wanted] or RANK.normal) < (RANK[found[7]] or RANK.normal) then
      redis.call('HSET', record, 'priority', wanted)
      push_back(queue, id, wanted)
    end
    return 2, found[1]
  end
  if state == 'delayed' then
    -- A request without a delay ends the delay of an earlier request, but not the pause after a
    -- failure.
    if delay == 0 and not found[6] then
      redis.call('HSET', record, 'state', 'queued', 'since', whole(time))
      redis.call('ZREM', queue.delayed, id)
      push_back(queue, id, found[7])
    end
    return 2, found[1]
  end
  if state == 'running' then
    if found[4] and string.find(found[4], '^%w+$') then
      return 2, found[4]
    end
    if number_in(found[3], 0) >= version and not options.again then
      return 2, found[1]
    end
    -- It runs on an older version: once more afterwards.
    redis.call('HSET', record, 'next', job)
    set_options(record, 'next_', options.priority, options.timeout, options.trace)
    return 1, job, true
  end
  open_job(queue, record, latest, origin, id, job, found[1] and state, delay > 0 and 'delayed' or 'queued', options,
    time + delay, time)
  if delay > 0 then
    redis.call('ZADD', queue.delayed, whole(time + delay), id)
    -- Workers sleep until the first one is due, so they must be woken for an earlier one.
    if redis.call('ZRANGE', queue.delayed, 0, 0)[1] == id then
      queue.has_turned = true
    end
  else
    push_back(queue, id, options.priority)
  end
  return 1, job, true
end

-- Continues with the job that was requested while another one ran.
local function begin_next(queue, record, id, job, time)
  local options = redis.call('HMGET', record, 'next_priority', 'next_timeout', 'next_trace')
  redis.call('HDEL', record, 'next', 'next_priority', 'next_timeout', 'next_trace', unpack(ABSENT))
  redis.call('HSET', record, 'job', job, 'state', 'queued', 'enqueued', whole(time))
  set_options(record, '', options[1], options[2], options[3])
  push_back(queue, id, options[1])
end

-- Ends a job that failed for good. If another run was requested meanwhile, that one begins.
local function dead_letter(queue, record, id, latest, message, time)
  local next = redis.call('HGET', record, 'next')
  if next then
    begin_next(queue, record, id, next, time)
    return
  end
  redis.call('HSET', record, 'state', 'dead', 'finished', whole(time), 'error', message)
  redis.call('ZADD', queue.dead, whole(time), id)
  redis.call('HDEL', record, 'worker', 'progress')
  expire_with_item(record, latest)
end

-- Ends a job whose record is damaged as dead, with a message that says what is wrong, and makes the
-- record valid, so that the job can be retried or discarded.
local function dead_letter_damaged(queue, record, id, latest, field, job, time)
  -- Greater than any fence that was issued, so that no earlier claim is valid.
  local valid = string.gsub(job or '', '%W', '')
  redis.call('HSET', record, 'job', valid ~= '' and valid or 'unknown', 'fence', whole(time))
  for _, name in ipairs({'attempts', 'crashes', 'since', 'timeout', 'source', 'started', 'next'}) do
    redis.call('HDEL', record, name)
  end
  if not number_in(redis.call('HGET', record, 'enqueued')) then
    redis.call('HSET', record, 'enqueued', whole(time))
  end
  redis.call('ZREM', queue.leased, id)
  local message = 'the record of this job is damaged: `' .. field
    .. '` is not valid; retry the job or discard it'
  dead_letter(queue, record, id, latest, message, time)
  redis.pcall('PUBLISH', record, '')
end
