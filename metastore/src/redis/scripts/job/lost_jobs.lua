-- Finds live and dead jobs that are in no list or set of their queue, so that no worker would take
-- them, and puts them back if asked to.
--
-- KEYS  1–7 queue
-- ARGV  1 address  2 transformation  3 '1' to put back  4 '1' to search the lists for waiting jobs
--       5 … ids of items
-- Returns
--       {DONE, findings} for each item: 0 nothing is lost, 1 a job was lost, 2 its record says that
--       it waits, and the lists were not searched

local at, transformation = ARGV[1], ARGV[2]
local queue = queue_of(1, at, transformation)
local repairs, in_lists = ARGV[3] == '1', ARGV[4] == '1'
if repairs then
  local wrong = wrong_queue(queue)
  if wrong then
    return wrong
  end
end
local time = now()

local function is_waiting(id)
  for _, list in ipairs({queue.normal, queue.high, queue.low}) do
    if redis.call('LPOS', list, id) then
      return true
    end
  end
  return false
end

local function check(id)
  local record = record_key(at, id, transformation)
  local found = redis.pcall('HMGET', record, 'state', 'priority', 'origin', 'finished')
  local state = found[1]
  local _, _, origin = header_of(latest_key(at, id))
  if not state or is_of_another(found[3], origin) then
    return 0
  end
  if state == 'queued' then
    if not in_lists then
      return 2
    elseif is_waiting(id) then
      return 0
    elseif repairs then
      push_back(queue, id, found[2])
    end
    return 1
  end
  local set = state == 'running' and queue.leased or state == 'delayed' and queue.delayed
    or state == 'dead' and queue.dead
  if not set or redis.call('ZSCORE', set, id) then
    return 0
  end
  if repairs then
    if state == 'running' then
      -- It runs again. If its worker still runs it, the next fence refuses that worker.
      redis.call('HSET', record, 'state', 'queued', 'since', whole(time))
      redis.call('HDEL', record, 'worker', 'source', 'started', 'progress')
      push_back(queue, id, found[2])
    else
      redis.call('ZADD', set, state == 'dead' and whole(number_in(found[4], time)) or whole(time), id)
    end
    redis.pcall('PUBLISH', record, '')
  end
  return 1
end

local findings = {}
for position = 5, #ARGV do
  findings[#findings + 1] = check(ARGV[position])
end
flush(queue)
return {DONE, findings}
