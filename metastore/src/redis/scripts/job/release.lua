-- Gives jobs back that were not run to an end, without counting an attempt.
--
-- KEYS  1–7 queue
-- ARGV  1 wake channel  2 what item keys begin with  3 what records end with
--       4 … id, job and fence of each job
-- Gives {1, verdicts}, for each job: 1 given back, now or by an earlier run; 0 refused: the worker holds
--       it no longer.

local queue = queue_of(1, ARGV[1])
local wrong = not_a_queue(queue) or no_records(ARGV[2], ARGV[3])
if wrong then
  return wrong
end
local verdicts = {}
for position = 4, #ARGV, 3 do
  local id = ARGV[position]
  local record = ARGV[2] .. id .. ARGV[3]
  local found = redis.pcall('HMGET', record, 'job', 'fence', 'state', 'priority')
  local verdict = 0
  if found[1] == ARGV[position + 1] and found[2] == ARGV[position + 2] then
    if found[3] == 'running' then
      redis.call('HSET', record, 'state', 'queued')
      redis.call('HDEL', record, 'worker', 'source', 'started', 'progress')
      redis.call('ZREM', queue.leased, id)
      push_front(queue, id, found[4])
      -- Others may have looked while it was held.
      queue.has_turned = true
      verdict = 1
    elseif found[3] == 'queued' then
      verdict = 1
    end
  end
  verdicts[#verdicts + 1] = verdict
end
settle(queue)
return {1, verdicts}
