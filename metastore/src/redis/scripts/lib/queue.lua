-- What the scripts on jobs share; put in front of each of them, after common.lua.
--
-- Every script publishes by `pcall`: a user who may not publish must not leave half a write behind.

local RANK = {high = 1, normal = 2, low = 3}

-- A queue, from the seven keys that begin at `first` and the channel of its wake-up call.
local function queue_of(first, wake)
  return {high = KEYS[first], normal = KEYS[first + 1], low = KEYS[first + 2],
    delayed = KEYS[first + 3], leased = KEYS[first + 4], dead = KEYS[first + 5],
    control = KEYS[first + 6], wake = wake}
end

-- The error if a key of the queue holds another type of value, if the user may not write it, or if the server
-- is full: what frees memory passes on a full server, so without this a script could get through half of
-- its work. The keys of a queue differ in their last part alone, so one of each type stands for the others.
local function not_a_queue(queue)
  refuse_if_full(queue.wake)
  return other_type(queue.high, 'list') or other_type(queue.low, 'list')
    or other_type(queue.leased, 'zset') or other_type(queue.dead, 'zset')
    or wrong_type(queue.normal, 'list') or forbidden(queue.normal, 'LTRIM')
    or wrong_type(queue.delayed, 'zset') or forbidden(queue.delayed, 'ZRANGE')
    or wrong_type(queue.control, 'hash')
end

-- The field of a record that keeps its job from being run, because it holds nothing that makes sense there:
-- nil if there is none. `numbers` are fields with their values, false for missing ones.
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
local function no_record(record)
  return forbidden(record, 'HMGET', 'HGET', 'HSET', 'HDEL', 'HINCRBY', 'PEXPIRE', 'PERSIST', 'DEL')
end

-- The same for all records of a queue, and for the items, whose keys begin and end so.
local function no_records(prefix, suffix)
  return no_record(prefix .. '*' .. suffix) or forbidden(prefix .. '*:latest', 'GETRANGE', 'GET', 'PTTL')
end

-- Puts a job at the front of those of its priority.
local function push_front(queue, id, priority)
  if redis.call('LPUSH', queue[priority or 'normal'] or queue.normal, id) == 1 then
    queue.has_turned = true
  end
end

-- Puts a job behind those of its priority: gathered here, and written by `settle`. Nothing may fail in
-- between.
local function push_back(queue, id, priority)
  local list = queue[priority or 'normal'] or queue.normal
  queue.back = queue.back or {}
  local ids = queue.back[list] or {}
  queue.back[list] = ids
  ids[#ids + 1] = id
end

-- Ends what a script does to a queue: writes the jobs that were put at the back, and publishes the
-- wake-up call, once, if a list has turned from empty to not empty.
local function settle(queue)
  for list, ids in pairs(queue.back or {}) do
    local before = 0
    for first = 1, #ids, 200 do
      local last = math.min(first + 199, #ids)
      local length = redis.call('RPUSH', list, unpack(ids, first, last))
      before = first == 1 and length - last or before
    end
    if before == 0 then
      queue.has_turned = true
    end
  end
  queue.back = nil
  if queue.has_turned then
    redis.pcall('PUBLISH', queue.wake, '')
  end
end

-- Lets a record live as long as its item, so that nothing is left of a job when its item expires.
-- A new record has no time of its own yet.
local function live_as(record, latest, is_new)
  local left = redis.call('PTTL', latest)
  if left > 0 then
    redis.call('PEXPIRE', record, left)
  elseif not is_new then
    redis.call('PERSIST', record)
  end
end

-- Whether a record with this origin is of an earlier item than the one with `origin`: a program that does
-- not know the transformation has deleted that one. An item without an origin is no document, or gone.
local function is_of_another(found, origin)
  return origin ~= nil and found ~= origin
end

-- Removes such a record with its job. What is left of it in a list is passed over.
local function drop_record(queue, record, id)
  redis.call('DEL', record)
  redis.call('ZREM', queue.delayed, id)
  redis.call('ZREM', queue.leased, id)
  redis.call('ZREM', queue.dead, id)
  redis.pcall('PUBLISH', record, '')
end

-- Which run a result is of: 'job fence version time'.
local function run_of(job, fence)
  return job .. ' ' .. fence .. ' '
end

local function is_of(result_of, begin)
  return result_of and string.sub(result_of, 1, #begin) == begin
end

-- Writes what a request says of its job: '' stands for the usual.
local function note_options(record, prefix, priority, timeout, trace)
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

-- What the record of a new job does not have. No attempts and no crashes stand for none, no `since` for
-- `enqueued`.
local FRESH = {'error', 'source', 'started', 'finished', 'worker', 'progress', 'priority', 'timeout', 'trace',
  'attempts', 'crashes', 'since'}

-- Begins a new job in a record that may hold the end of an earlier one, whose state is `before`.
local function open_job(queue, record, latest, origin, id, job, before, state, options, since, time)
  if before then
    local result_until = redis.call('HGET', record, 'result_until')
    redis.call('HDEL', record, unpack(FRESH))
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
  note_options(record, '', options.priority, options.timeout, options.trace)
  live_as(record, latest, not before)
end

-- Requests a run on this version of an item with this origin. `options`: delay, priority, timeout, trace,
-- and `again` if a run on this very version will not do.
-- Gives 1 and a new job, and whether it was queued now and not by an earlier run with the same id; or 2
-- and the live job that will do: it waits, or it runs on this version; or -3 if the record holds another
-- type of value.
local function request(queue, record, latest, id, job, version, origin, options, time)
  local found = redis.pcall('HMGET', record, 'job', 'state', 'source', 'next', 'result_of', 'attempts',
    'priority', 'origin')
  if found.err then
    return -3, job
  end
  if found[1] == job or found[4] == job or is_of(found[5], job .. ' ') then
    return 1, job
  end
  local is_job = found[1] and string.find(found[1], '^%w+$')
  if found[1] and (not is_job or is_of_another(found[8], origin)) then
    drop_record(queue, record, id)
    found = {}
  end
  local state, delay = found[2], options.delay or 0
  if state == 'queued' then
    -- A more urgent request brings it forward. What is left in the other list is passed over.
    local wanted = options.priority or 'normal'
    if (RANK[wanted] or RANK.normal) < (RANK[found[7]] or RANK.normal) then
      redis.call('HSET', record, 'priority', wanted)
      push_back(queue, id, wanted)
    end
    return 2, found[1]
  end
  if state == 'delayed' then
    -- One that was put off by request runs earlier by request. One that failed keeps its pause.
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
    note_options(record, 'next_', options.priority, options.timeout, options.trace)
    return 1, job, true
  end
  open_job(queue, record, latest, origin, id, job, found[1] and state, delay > 0 and 'delayed' or 'queued', options,
    time + delay, time)
  if delay > 0 then
    redis.call('ZADD', queue.delayed, whole(time + delay), id)
    -- Whoever sleeps until the first one is due must hear of an earlier one.
    if redis.call('ZRANGE', queue.delayed, 0, 0)[1] == id then
      queue.has_turned = true
    end
  else
    push_back(queue, id, options.priority)
  end
  return 1, job, true
end

-- Goes on with the job that was requested while another one ran.
local function follow(queue, record, id, job, time)
  local kept = redis.call('HMGET', record, 'next_priority', 'next_timeout', 'next_trace')
  redis.call('HDEL', record, 'next', 'next_priority', 'next_timeout', 'next_trace', unpack(FRESH))
  redis.call('HSET', record, 'job', job, 'state', 'queued', 'enqueued', whole(time))
  note_options(record, '', kept[1], kept[2], kept[3])
  push_back(queue, id, kept[1])
end

-- Ends a job that failed for good. If the item has changed since and somebody asked for a run on what it
-- is now, that one follows.
local function bury(queue, record, id, latest, message, time)
  local following = redis.call('HGET', record, 'next')
  if following then
    follow(queue, record, id, following, time)
    return
  end
  redis.call('HSET', record, 'state', 'dead', 'finished', whole(time), 'error', message)
  redis.call('ZADD', queue.dead, whole(time), id)
  redis.call('HDEL', record, 'worker', 'progress')
  live_as(record, latest)
end

-- Sets aside a job whose record is damaged: it is dead, with a message that says what is wrong, and its
-- record makes sense again, so that it can be retried or discarded.
local function set_aside(queue, record, id, latest, field, job, time)
  -- Greater than any fence that was given out, so that no earlier claim holds.
  local sound = string.gsub(job or '', '%W', '')
  redis.call('HSET', record, 'job', sound ~= '' and sound or 'unknown', 'fence', whole(time))
  for _, name in ipairs({'attempts', 'crashes', 'since', 'timeout', 'source', 'started', 'next'}) do
    redis.call('HDEL', record, name)
  end
  if not number_in(redis.call('HGET', record, 'enqueued')) then
    redis.call('HSET', record, 'enqueued', whole(time))
  end
  redis.call('ZREM', queue.leased, id)
  bury(queue, record, id, latest, 'the record of this job is damaged: `' .. field .. '` makes no sense', time)
  redis.pcall('PUBLISH', record, '')
end
