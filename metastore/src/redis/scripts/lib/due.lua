-- Delayed jobs that are due.

-- Moves the delayed jobs that are due into their lists, those of a high priority first; all of
-- them, if `is_forwarded`. Returns how many are left.
local function queue_due_jobs(queue, time, is_forwarded)
  local left = redis.call('ZCARD', queue.delayed)
  if left == 0 then
    return 0
  end
  for _, priority in ipairs({'h', 'n', 'l'}) do
    local first = whole(due_score(priority, 0))
    local last = whole(due_score(priority, is_forwarded and BAND - 1 or time))
    local ids = redis.call('ZRANGEBYSCORE', queue.delayed, first, last, 'LIMIT', 0, 100)
    read_jobs(queue, ids)
    for _, id in ipairs(ids) do
      local text = live_job(queue, id)
      local job, is_newer = parse_job(text or '')
      if not is_newer then
        remove_member(queue, queue.delayed, id)
        left = left - 1
      end
      if job and job.state == 'd' then
        job.state = 'q'
        if tonumber(job.since) > time then
          job.since = whole(time)
        end
        push(queue, list_of(queue, job.priority), id)
        save_job(queue, id, format_job(job))
      elseif text and not job and not is_newer then
        dead_letter_damaged(queue, id, text, time)
      end
    end
  end
  return left
end

-- Milliseconds until the first delayed job is due; nil if there is none.
local function next_due(queue, time)
  local least
  for _, priority in ipairs({'h', 'n', 'l'}) do
    local base = due_score(priority, 0)
    local first = redis.call('ZRANGEBYSCORE', queue.delayed, whole(base), whole(base + BAND - 1),
      'WITHSCORES', 'LIMIT', 0, 1)
    if first[2] then
      least = math.min(least or math.huge, tonumber(first[2]) - base - time)
    end
  end
  return least
end
