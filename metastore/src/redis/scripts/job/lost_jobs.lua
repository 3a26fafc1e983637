-- Finds live and dead jobs that are in no list or set of their queue, so that no worker would take
-- them, and puts them back if asked to.
--
-- KEYS  1 jobs of the queue
-- ARGV  1 address  2 transformation  3 '1' to put back  4 '1' to search the lists for waiting jobs
--       5 … ids of items
-- Returns
--       {DONE, findings} for each item: 0 nothing is lost, 1 a job was lost, 2 it waits, and the
--       lists were not searched

local at, transformation = ARGV[1], ARGV[2]
local queue = queue_of(at, transformation)
local repairs, in_lists = ARGV[3] == '1', ARGV[4] == '1'
if repairs then
  local wrong = wrong_queue(queue) or wrong_records(queue)
  if wrong then
    return wrong
  end
end
local time, changed = now(), {}
read_control(queue)
local ids = {}
for position = 5, #ARGV do
  ids[#ids + 1] = ARGV[position]
end
read_jobs(queue, ids)

local function is_in_list(id)
  for _, list in ipairs({queue.waiting, queue.high, queue.low, queue.suspects}) do
    if redis.call('LPOS', list, id) then
      return true
    end
  end
  return false
end

local function check_live(id, job)
  if job.state == 'q' then
    if not in_lists then
      return 2
    elseif is_in_list(id) then
      return 0
    elseif repairs then
      push(queue, list_of(queue, job.priority), id)
    end
    return 1
  end
  local set, member = queue.delayed, id
  if job.state == 'r' then
    set, member = queue.leased, lease_of(id, job.fence)
  end
  if redis.call('ZSCORE', set, member) then
    return 0
  end
  if repairs then
    -- A running job runs again. If its worker still runs it, the next fence refuses that worker.
    place(queue, id, job, 0, time)
    changed[#changed + 1] = id
  end
  return 1
end

local function check(id)
  local job = parse_job(live_job(queue, id) or '')
  local version, origin = item_of(latest_key(at, id))
  if job and job.state ~= 'x' then
    return version and job.origin == short_origin(origin) and check_live(id, job) or 0
  end
  local record = record_of(record_key(at, id, transformation))
  local ended = record and record.ended
  if not ended or ended.state ~= 'dead' or not version or ended.origin ~= origin
    or redis.call('ZSCORE', queue.dead, id) then
    return 0
  end
  if repairs then
    add_member(queue, queue.dead, id, whole(time))
  end
  return 1
end

local findings = {}
for number, id in ipairs(ids) do
  findings[number] = check(id)
end
if repairs then
  flush(queue)
  publish_changes(queue, changed)
end
return {DONE, findings}
