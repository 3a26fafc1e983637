-- The queue of a transformation. It consists of
--   high, waiting, low, suspects   lists of ids: the jobs that wait, by priority, and those that
--                                  may have crashed a worker and so run alone
--   jobs                           hash: the live job of each item, see job.lua
--   delayed                        sorted set of ids by priority and time, see `due_score`
--   leased                         sorted set of `lease_of` a job by the end of its lease
--   dead                           sorted set of the ids of jobs that failed for good, by time
--   control                        hash: settings, counters and times
--   idle                           sorted set of workers that have room, by the time they said so
--
-- A script reads what it needs, decides, and lets these functions collect what to write. `flush`
-- writes it. So everything is checked before the first write, and nothing can fail after it.
--
-- A list may hold an id without a job: its job has been cancelled, or moved to another list. Such
-- an id is skipped when it is reached; `stale` in the control hash counts them.

local PRIORITIES = {'high', 'waiting', 'low'}

local function queue_of(at, transformation)
  local queue = {at = at, transformation = transformation, found = {}, saved = {}, records = {}, expiring = {}, gone = {}, pushed = {}, add = {},
    remove = {}}
  for _, part in ipairs({'high', 'waiting', 'low', 'suspects', 'jobs', 'delayed', 'leased', 'dead', 'control', 'idle'}) do
    queue[part] = queue_key(at, transformation, part)
  end
  return queue
end

-- The error if a key of the queue holds another type of value, if the user may not write it, or if
-- the server is full: what frees memory succeeds on a full server, so without this check a script
-- could fail after half of its writes. `frees_memory` is for a script that first removes a key:
-- after that a full server lets it write.
local function wrong_queue(queue, frees_memory)
  if not frees_memory then
    refuse_if_full(queue_key(queue.at, queue.transformation, 'full'))
  end
  return other_type(queue.high, 'list') or other_type(queue.low, 'list') or other_type(queue.suspects, 'list')
    or other_type(queue.leased, 'zset') or other_type(queue.dead, 'zset') or other_type(queue.idle, 'zset')
    or other_type(queue.control, 'hash')
    or wrong_type(queue.waiting, 'list') or forbidden(queue.waiting, 'LPOP', 'LLEN')
    or wrong_type(queue.delayed, 'zset') or forbidden(queue.delayed, 'ZRANGE', 'ZRANGEBYSCORE', 'ZCARD', 'ZMSCORE')
    or wrong_type(queue.jobs, 'hash') or forbidden(queue.jobs, 'HMGET')
end

-- The error if the user may not do with records and items what scripts do with them.
local function wrong_records(queue)
  return forbidden(record_key(queue.at, '*', queue.transformation), 'GET', 'GETRANGE', 'SET', 'MSET', 'DEL', 'EXISTS')
    or forbidden(latest_key(queue.at, '*'), 'GETRANGE', 'GET', 'MGET', 'PTTL', 'EXISTS')
end

-- The score of a delayed job. Those of a priority are together, so that a due job of a higher
-- priority comes before all others that are due.
local BAND = 1e15

local function due_score(priority, time)
  return (priority == 'h' and 0 or priority == 'n' and BAND or 2 * BAND) + time
end

-- Reads fields of the control hash, and keeps what `flush` may change:
--   seq    the last number that a job or a run has
--   stale  how many ids in the lists have no job
--   timer  until when a worker waits that takes the next delayed job
local function read_control(queue, ...)
  local found = redis.call('HMGET', queue.control, 'seq', 'stale', 'timer', ...)
  queue.seq, queue.stale, queue.timer = number_in(found[1], 0), number_in(found[2], 0), number_in(found[3], 0)
  queue.seq_before, queue.stale_before = queue.seq, queue.stale
  queue.settings = {}
  return unpack(found, 4, 3 + select('#', ...))
end

-- Sets a field of the control hash.
local function set_control(queue, field, value)
  local settings = queue.settings
  settings[#settings + 1] = field
  settings[#settings + 1] = value
end

-- The next number of the queue: it orders jobs, and is the fence of a run.
local function next_number(queue)
  queue.seq = queue.seq + 1
  return queue.seq
end

-- The functions that collect what to write.

local function save_job(queue, id, text)
  queue.saved[id] = text or false
end

-- Writes a record that expires with its item.
local function save_record(queue, key, text, deadline)
  local records = deadline == '' and queue.records or queue.expiring
  local last = #records
  records[last + 1], records[last + 2] = key, text
  if deadline ~= '' then
    records[last + 3] = deadline
  end
end

local function push(queue, list, id)
  local ids = queue.pushed[list] or {}
  queue.pushed[list] = ids
  ids[#ids + 1] = id
end

local function add_member(queue, set, member, score)
  local members = queue.add[set] or {}
  queue.add[set] = members
  members[#members + 1] = score
  members[#members + 1] = member
end

local function remove_member(queue, set, member)
  local members = queue.remove[set] or {}
  queue.remove[set] = members
  members[#members + 1] = member
end

-- Calls a command on a key with many arguments, `step` at a time.
local function call_in_steps(command, key, args, step)
  for first = 1, #args, step do
    redis.call(command, key, unpack(args, first, math.min(first + step - 1, #args)))
  end
end

-- Tells one idle worker that there is something to do. It tells the next one if more is left, so
-- the cost does not depend on the number of idle workers.
local function wake(queue)
  for _ = 1, 8 do
    local worker = redis.call('ZRANGE', queue.idle, -1, -1)[1]
    if not worker then
      return
    end
    redis.call('ZREM', queue.idle, worker)
    local receivers = redis.pcall('PUBLISH', wake_channel(queue.at, queue.transformation, worker), '')
    if receivers ~= 0 then
      return
    end
  end
end

-- Publishes that jobs of items have changed.
local function publish_changes(queue, ids)
  for first = 1, #ids, 100 do
    local last = math.min(first + 99, #ids)
    redis.pcall('PUBLISH', changes_channel(queue.at, queue.transformation), table.concat(ids, ' ', first, last))
  end
end

-- Writes what has been collected. With `is_quiet`, no worker is told.
local function flush(queue, is_quiet)
  local set, gone, records, expiring = {}, queue.gone, queue.records, queue.expiring
  for first = 1, #records, 400 do
    redis.call('MSET', unpack(records, first, math.min(first + 399, #records)))
  end
  for first = 1, #expiring, 3 do
    redis.call('SET', expiring[first], expiring[first + 1], 'PXAT', expiring[first + 2])
  end
  for id, text in pairs(queue.saved) do
    if text then
      set[#set + 1] = id
      set[#set + 1] = text
    else
      gone[#gone + 1] = id
    end
  end
  call_in_steps('HSET', queue.jobs, set, 400)
  call_in_steps('HDEL', queue.jobs, gone, 400)
  for key, members in pairs(queue.remove) do
    call_in_steps('ZREM', key, members, 400)
  end
  for key, members in pairs(queue.add) do
    call_in_steps('ZADD', key, members, 400)
  end
  for list, ids in pairs(queue.pushed) do
    call_in_steps('RPUSH', list, ids, 400)
    queue.has_jobs = true
  end
  if queue.seq ~= queue.seq_before then
    set_control(queue, 'seq', whole(queue.seq))
  end
  if queue.stale ~= queue.stale_before then
    set_control(queue, 'stale', whole(math.max(0, queue.stale)))
  end
  if #queue.settings > 0 then
    redis.call('HSET', queue.control, unpack(queue.settings))
  end
  if queue.has_jobs and not is_quiet then
    wake(queue)
  end
end
