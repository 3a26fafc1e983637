-- Records that a run failed, if the worker still holds the job: it is run again later, or it is dead.
--
-- KEYS  1–7 queue  8 record  9 latest  10 audit trail
-- ARGV  1 wake channel  2 id  3 job  4 fence  5 error  6 ms until the next run, '' for none
--       7 audit, packed  8 actor  9 name of the transformation  10 number of runs that failed
-- Gives {1} recorded, now or by an earlier run; {0} refused: another worker has the job, or it is
--       done; {-1} the item is gone, and the job with it.

local queue = queue_of(1, ARGV[1])
local id, record = ARGV[2], KEYS[8]
local found = redis.call('HMGET', record, 'job', 'fence', 'state', 'source', 'failed_job', 'failed_fence',
  'origin', 'attempts')
if not found[1] then
  return {-1}
end
if found[5] == ARGV[3] and found[6] == ARGV[4] then
  return {1}
end
if found[1] ~= ARGV[3] or found[2] ~= ARGV[4] or found[3] ~= 'running' then
  return {0}
end
local wrong = not_a_queue(queue) or wrong_type(record, 'hash')
  or no_record(record) or forbidden(KEYS[9], 'PTTL', 'EXISTS') or wrong_audit(ARGV[7], KEYS[10])
if wrong then
  return wrong
end
local _, origin = item_of(KEYS[9])
if redis.call('EXISTS', KEYS[9]) == 0 or is_of_another(found[7], origin) then
  drop_record(queue, record, id)
  return {-1}
end
local time = now()
redis.call('HSET', record, 'attempts', whole(number_in(found[8], 0, 9) + tonumber(ARGV[10])))
redis.call('HSET', record, 'failed_job', ARGV[3], 'failed_fence', ARGV[4])
redis.call('ZREM', queue.leased, id)
if ARGV[6] ~= '' then
  redis.call('HSET', record, 'state', 'delayed', 'error', ARGV[5])
  redis.call('HDEL', record, 'worker', 'progress')
  redis.call('ZADD', queue.delayed, whole(time + tonumber(ARGV[6])), id)
else
  bury(queue, record, id, KEYS[9], ARGV[5], time)
end
audit(ARGV[7], KEYS[10], 'fail', number_in(found[4], 0), ARGV[3], ARGV[8], 'transformation', ARGV[9],
  'error', ARGV[5])
redis.pcall('PUBLISH', record, '')
settle(queue)
return {1}
