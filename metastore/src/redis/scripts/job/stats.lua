-- Counts the jobs of queues. Reads only.
--
-- KEYS  seven keys of each queue
-- ARGV  for each queue: address, transformation
-- Returns
--       {DONE, queues} each is {waiting, delayed, running, dead, ready, due, oldest, paused}:
--       numbers of jobs; 1 if some can be taken now; ms until the next one may be due, -1 for none;
--       ms that the longest waiting one has waited, -1 for none; 1 if it is paused

local time = now()
local queues = {}
for number = 1, #KEYS / 7 do
  local queue = queue_of(1 + (number - 1) * 7, ARGV[number * 2 - 1], ARGV[number * 2])
  local waiting, oldest = 0, -1
  for _, list in ipairs({queue.high, queue.normal, queue.low}) do
    waiting = waiting + redis.call('LLEN', list)
    local first = redis.call('LINDEX', list, 0)
    local found = first
      and redis.pcall('HMGET', record_key(queue.at, first, queue.transformation), 'since', 'enqueued') or {}
    local since = number_in(found[1] or found[2])
    if since then
      oldest = math.max(oldest, time - since)
    end
  end
  local paused = redis.call('HEXISTS', queue.control, 'paused')
  local ready, due = waiting > 0 and paused == 0, -1
  for _, key in ipairs({queue.delayed, queue.leased}) do
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if first[2] then
      local left = math.max(0, tonumber(first[2]) - time)
      ready = ready or left == 0
      if due < 0 or left < due then
        due = left
      end
    end
  end
  queues[number] = {waiting, redis.call('ZCARD', queue.delayed), redis.call('ZCARD', queue.leased),
    redis.call('ZCARD', queue.dead), ready and 1 or 0, due, oldest, paused}
end
return {DONE, queues}
