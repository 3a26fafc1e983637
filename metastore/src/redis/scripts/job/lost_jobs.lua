-- Looks for live and dead jobs that are in no list or set of their queue, so that nobody would ever meet them,
-- and puts them back if asked to.
--
-- KEYS  1–7 queue
-- ARGV  1 wake channel  2 what item keys begin with  3 what records end with  4 what latest keys end with
--       5 '1' to put back  6 '1' to look for waiting ones in the lists  7 … ids of items
-- Gives {1, findings}, for each item: 0 nothing is lost, 1 a job was lost, 2 it waits, by its record, and its
--       lists were not looked through.

local queue = queue_of(1, ARGV[1])
local prefix, record_suffix, latest_suffix = ARGV[2], ARGV[3], ARGV[4]
local mend, in_lists = ARGV[5] == '1', ARGV[6] == '1'
if mend then
  local wrong = not_a_queue(queue)
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

local function look(id)
  local record = prefix .. id .. record_suffix
  local found = redis.pcall('HMGET', record, 'state', 'priority', 'origin', 'finished')
  local state = found[1]
  local _, origin = item_of(prefix .. id .. latest_suffix)
  if not state or is_of_another(found[3], origin) then
    return 0
  end
  if state == 'queued' then
    if not in_lists then
      return 2
    elseif is_waiting(id) then
      return 0
    elseif mend then
      push_back(queue, id, found[2])
    end
    return 1
  end
  local set = state == 'running' and queue.leased or state == 'delayed' and queue.delayed
    or state == 'dead' and queue.dead
  if not set or redis.call('ZSCORE', set, id) then
    return 0
  end
  if mend then
    if state == 'running' then
      -- It runs again, and its worker, if it is there, is refused by the next fence.
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
for position = 7, #ARGV do
  findings[#findings + 1] = look(ARGV[position])
end
settle(queue)
return {1, findings}
