-- Counts the jobs of queues. Reads only, unless a worker asks.
--
-- KEYS  1 … jobs of each queue
-- ARGV  1 '1' if a worker asks  2 … for each queue: address, transformation
-- Returns
--       {DONE, queues} each is {waiting, delayed, running, dead, ready, due, oldest, paused}:
--       numbers of jobs; 1 if some can be taken now; ms until the next one may be due, -1 for none;
--       ms that the longest waiting one has waited, -1 for none; 1 if it is paused

local time = now()
local queues = {}
for number = 1, #KEYS do
  local queue = queue_of(ARGV[number * 2], ARGV[number * 2 + 1])
  local waiting, oldest = 0, -1
  local paused = read_control(queue, 'paused')
  for _, list in ipairs({queue.high, queue.waiting, queue.low, queue.suspects}) do
    waiting = waiting + redis.call('LLEN', list)
    for _, id in ipairs(redis.call('LRANGE', list, 0, 9)) do
      local job = parse_job(redis.call('HMGET', queue.jobs, id)[1] or '')
      if job and job.state == 'q' then
        oldest = math.max(oldest, time - tonumber(job.since))
        break
      end
    end
  end
  waiting = math.max(0, waiting - queue.stale)
  local ready, due = waiting > 0 and not paused, -1
  local function set_due(when)
    local left = math.max(0, math.ceil(when - time))
    ready = ready or left == 0
    due = (due < 0 or left < due) and left or due
  end
  local first_due = next_due(queue, time)
  if first_due then
    set_due(time + first_due)
  end
  local first = redis.call('ZRANGE', queue.leased, 0, 0, 'WITHSCORES')
  if first[2] then
    set_due(tonumber(first[2]))
    if ARGV[1] == '1' then
      -- Workers are being served, so an old lease is that of a dead worker.
      redis.call('HSET', queue.control, 'seen', whole(time))
    end
  end
  queues[number] = {waiting, redis.call('ZCARD', queue.delayed), redis.call('ZCARD', queue.leased),
    redis.call('ZCARD', queue.dead), ready and 1 or 0, due, oldest, paused and 1 or 0}
end
return {DONE, queues}
