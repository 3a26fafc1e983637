-- What the scripts on jobs share; put in front of each of them, after common.lua.

local RANK = {high = 1, normal = 2, low = 3}

-- A queue, from the seven keys that begin at `first` and the channel of its wake-up call.
local function queue_of(first, wake)
  return {high = KEYS[first], normal = KEYS[first + 1], low = KEYS[first + 2],
    delayed = KEYS[first + 3], leased = KEYS[first + 4], dead = KEYS[first + 5],
    control = KEYS[first + 6], wake = wake}
end

-- The error if a key of the queue holds another type of value, or if the server is full: what frees
-- memory passes on a full server, so without this a script could get through half of its work.
local function not_a_queue(queue)
  refuse_if_full(queue.wake)
  return wrong_type(queue.high, 'list') or wrong_type(queue.normal, 'list')
    or wrong_type(queue.low, 'list') or wrong_type(queue.delayed, 'zset')
    or wrong_type(queue.leased, 'zset') or wrong_type(queue.dead, 'zset')
    or wrong_type(queue.control, 'hash')
end

-- Puts a job at the back ('RPUSH') or the front ('LPUSH') of those of its priority.
local function push(queue, command, id, priority)
  if redis.call(command, queue[priority or 'normal'] or queue.normal, id) == 1 then
    queue.has_turned = true
  end
end

-- Publishes the wake-up call, once, if a list has turned from empty to not empty.
local function announce(queue)
  if queue.has_turned then
    redis.call('PUBLISH', queue.wake, '')
  end
end

-- Lets a record live as long as its item, so that nothing is left of a job when its item expires.
local function live_as(record, latest)
  local left = redis.call('PTTL', latest)
  if left > 0 then
    redis.call('PEXPIRE', record, left)
  else
    redis.call('PERSIST', record)
  end
end

-- Writes what a request says of its job: '' stands for the usual.
local function note_options(record, prefix, priority, timeout, trace)
  for field, value in pairs({priority = priority, timeout = timeout, trace = trace}) do
    if value and value ~= '' and value ~= 'normal' then
      redis.call('HSET', record, prefix .. field, value)
    end
  end
end

-- Begins a new job in a record that may hold the end of an earlier one, whose state is `before`.
local function open_job(queue, record, latest, id, job, before, state, options, since, time)
  if before then
    local result_until = redis.call('HGET', record, 'result_until')
    redis.call('HDEL', record, 'error', 'source', 'started', 'finished', 'worker', 'progress', 'priority',
      'timeout', 'trace')
    if result_until and tonumber(result_until) <= time then
      redis.call('HDEL', record, 'result', 'result_job', 'result_fence', 'result_version', 'result_at',
        'result_until')
    end
    if before == 'dead' then
      redis.call('ZREM', queue.dead, id)
    end
  end
  redis.call('HSET', record, 'job', job, 'state', state, 'attempts', '0', 'crashes', '0',
    'enqueued', whole(time), 'since', whole(since))
  note_options(record, '', options.priority, options.timeout, options.trace)
  live_as(record, latest)
end

-- Requests a run on this version of an item. `options`: delay, priority, timeout, trace, and `again` if a
-- run on this very version will not do.
-- Gives 1 and a new job, and whether it was queued now and not by an earlier run with the same id; or 2
-- and the live job that will do: it waits, or it runs on this version.
local function request(queue, record, latest, id, job, version, options, time)
  local found = redis.call('HMGET', record, 'job', 'state', 'source', 'next', 'result_job', 'attempts',
    'priority')
  if found[1] == job or found[4] == job or found[5] == job then
    return 1, job
  end
  local state, delay = found[2], options.delay or 0
  if state == 'queued' then
    -- A more urgent request brings it forward. What is left in the other list is passed over.
    local wanted = options.priority or 'normal'
    if RANK[wanted] < RANK[found[7] or 'normal'] then
      redis.call('HSET', record, 'priority', wanted)
      push(queue, 'RPUSH', id, wanted)
    end
    return 2, found[1]
  end
  if state == 'delayed' then
    -- One that was put off by request runs earlier by request. One that failed keeps its pause.
    if delay == 0 and found[6] == '0' then
      redis.call('HSET', record, 'state', 'queued', 'since', whole(time))
      redis.call('ZREM', queue.delayed, id)
      push(queue, 'RPUSH', id, found[7])
    end
    return 2, found[1]
  end
  if state == 'running' then
    if found[4] then
      return 2, found[4]
    end
    if tonumber(found[3]) >= version and not options.again then
      return 2, found[1]
    end
    -- It runs on an older version: once more afterwards.
    redis.call('HSET', record, 'next', job)
    note_options(record, 'next_', options.priority, options.timeout, options.trace)
    return 1, job, true
  end
  open_job(queue, record, latest, id, job, found[1] and state, delay > 0 and 'delayed' or 'queued', options,
    time + delay, time)
  if delay > 0 then
    redis.call('ZADD', queue.delayed, whole(time + delay), id)
    -- Whoever sleeps until the first one is due must hear of an earlier one.
    if redis.call('ZRANGE', queue.delayed, 0, 0)[1] == id then
      queue.has_turned = true
    end
  else
    push(queue, 'RPUSH', id, options.priority)
  end
  return 1, job, true
end

-- Goes on with the job that was requested while another one ran.
local function follow(queue, record, id, job, time)
  local kept = redis.call('HMGET', record, 'next_priority', 'next_timeout', 'next_trace')
  redis.call('HDEL', record, 'next', 'next_priority', 'next_timeout', 'next_trace', 'started', 'finished',
    'error', 'progress', 'worker', 'priority', 'timeout', 'trace')
  redis.call('HSET', record, 'job', job, 'state', 'queued', 'attempts', '0', 'crashes', '0',
    'enqueued', whole(time), 'since', whole(time))
  note_options(record, '', kept[1], kept[2], kept[3])
  push(queue, 'RPUSH', id, kept[1])
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
