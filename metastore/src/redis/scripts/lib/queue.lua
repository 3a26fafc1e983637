-- The queue of a transformation. It has a list for each priority, whose entries are ids of items;
-- sorted sets of the ids of jobs that are delayed, leased or dead; and a hash of settings. A job is
-- put into its queue by these functions and by nothing else, and `flush` ends each script that does
-- so.
--
-- Scripts publish with `pcall`: a user who may not publish must not leave half of a write.

local RANK = {high = 1, normal = 2, low = 3}

-- The queue whose seven keys begin at KEYS[first].
local function queue_of(first, at, transformation)
  return {high = KEYS[first], normal = KEYS[first + 1], low = KEYS[first + 2],
    delayed = KEYS[first + 3], leased = KEYS[first + 4], dead = KEYS[first + 5],
    control = KEYS[first + 6], at = at, transformation = transformation}
end

-- The error if a key of the queue holds another type of value, if the user may not write it, or if
-- the server is full: what frees memory succeeds on a full server, so without this check a script
-- could fail after half of its writes. The keys of a queue differ in their last part only, so the
-- rights are checked on one key of each type.
local function wrong_queue(queue)
  refuse_if_full(wake_channel(queue.at, queue.transformation))
  return other_type(queue.high, 'list') or other_type(queue.low, 'list')
    or other_type(queue.leased, 'zset') or other_type(queue.dead, 'zset')
    or wrong_type(queue.normal, 'list') or forbidden(queue.normal, 'LTRIM')
    or wrong_type(queue.delayed, 'zset') or forbidden(queue.delayed, 'ZRANGE')
    or wrong_type(queue.control, 'hash')
end

-- Puts a job first among those of its priority.
local function push_front(queue, id, priority)
  if redis.call('LPUSH', queue[priority or 'normal'] or queue.normal, id) == 1 then
    queue.has_turned = true
  end
end

-- Puts a job last among those of its priority: collected here, and written by `flush`. Nothing may
-- fail in between.
local function push_back(queue, id, priority)
  local list = queue[priority or 'normal'] or queue.normal
  queue.back = queue.back or {}
  local ids = queue.back[list] or {}
  queue.back[list] = ids
  ids[#ids + 1] = id
end

-- Writes the jobs that `push_back` has collected. Publishes on the wake channel, once, if a list
-- has turned from empty to not empty.
local function flush(queue)
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
    redis.pcall('PUBLISH', wake_channel(queue.at, queue.transformation), '')
  end
end
