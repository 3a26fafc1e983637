-- Returns jobs to the queue whose runs did not end, without counting an attempt.
--
-- KEYS  1–7 queue
-- ARGV  1 address  2 transformation  3 … id, job and fence of each job
-- Returns
--       {DONE, codes} for each job DONE, by this call or by an earlier one, or CONFLICT: the worker
--       no longer holds it

local queue = queue_of(1, ARGV[1], ARGV[2])
local wrong = wrong_queue(queue) or wrong_records(queue)
if wrong then
  return wrong
end
local codes = {}
for position = 3, #ARGV, 3 do
  local id = ARGV[position]
  local record = record_key(queue.at, id, queue.transformation)
  local found = redis.pcall('HMGET', record, 'job', 'fence', 'state', 'priority')
  local code = CONFLICT
  if found[1] == ARGV[position + 1] and found[2] == ARGV[position + 2] then
    if found[3] == 'running' then
      redis.call('HSET', record, 'state', 'queued')
      redis.call('HDEL', record, 'worker', 'source', 'started', 'progress')
      redis.call('ZREM', queue.leased, id)
      push_front(queue, id, found[4])
      -- Other workers may have looked while it was held.
      queue.has_turned = true
      code = DONE
    elseif found[3] == 'queued' then
      code = DONE
    end
  end
  codes[#codes + 1] = code
end
flush(queue)
return {DONE, codes}
