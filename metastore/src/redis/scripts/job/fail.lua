-- Records that a run failed, if the worker still holds the job: it is run again later, or it is
-- dead.
--
-- KEYS  1–7 queue  8 record  9 latest  10 audit trail
-- ARGV  1 address  2 transformation  3 id  4 job  5 fence  6 error  7 ms until the next run, '' for
--       none
--       8 number of runs that failed  9 audit settings  10 audit fields
-- Returns
--       {DONE} recorded, by this call or by an earlier one
--       {CONFLICT} another worker has the job, or it is done
--       {NOT_FOUND} the item does not exist, and the job is gone with it

local queue, record, latest, id = queue_of(1, ARGV[1], ARGV[2]), KEYS[8], KEYS[9], ARGV[3]
local context = audit_context(ARGV[1], ARGV[9], ARGV[10])
local job, fence, message = ARGV[4], ARGV[5], ARGV[6]
local found = redis.call('HMGET', record, 'job', 'fence', 'state', 'source', 'failed_job', 'failed_fence',
  'origin', 'attempts')
if not found[1] then
  return {NOT_FOUND}
end
if found[5] == job and found[6] == fence then
  return {DONE}
end
if found[1] ~= job or found[2] ~= fence or found[3] ~= 'running' then
  return {CONFLICT}
end
local wrong = wrong_queue(queue) or wrong_type(record, 'hash')
  or wrong_record(record) or forbidden(latest, 'PTTL', 'EXISTS') or wrong_audit(context, id)
if wrong then
  return wrong
end
local version, _, origin = header_of(latest)
if version == nil or is_of_another(found[7], origin) then
  drop_record(queue, record, id)
  return {NOT_FOUND}
end
local time = now()
redis.call('HSET', record, 'attempts', whole(number_in(found[8], 0, 9) + tonumber(ARGV[8])))
redis.call('HSET', record, 'failed_job', job, 'failed_fence', fence)
redis.call('ZREM', queue.leased, id)
if ARGV[7] ~= '' then
  redis.call('HSET', record, 'state', 'delayed', 'error', message)
  redis.call('HDEL', record, 'worker', 'progress')
  redis.call('ZADD', queue.delayed, whole(time + tonumber(ARGV[7])), id)
else
  dead_letter(queue, record, id, latest, message, time)
end
audit(context, id, 'fail', number_in(found[4], 0), job, 'transformation', ARGV[2], 'error', message)
redis.pcall('PUBLISH', record, '')
flush(queue)
return {DONE}
