-- Runs a job again that failed for good or was cancelled, or now if it waits after a failure. It
-- keeps its id.
--
-- KEYS  1 jobs of the queue
-- ARGV  1 address  2 transformation  3 id  4 commit  5 audit settings  6 audit fields
-- Returns
--       {DONE, job, number} queued, by this call or by an earlier one with the same commit
--       {CONFLICT} there is no such job
--       {NOT_FOUND} the item does not exist, or is not a document

local at, id = ARGV[1], ARGV[3]
local queue, context = queue_of(at, ARGV[2]), audit_context(at, ARGV[5], ARGV[6])
local key = record_key(at, id, queue.transformation)
local record = record_of(key)
if not record then
  return redis.call('GETRANGE', key, '0', '0')
end
local version, origin = item_of(latest_key(at, id))
if not version then
  return version == false and origin or {NOT_FOUND}
end
local wrong = wrong_queue(queue) or wrong_records(queue) or wrong_audit(context, id)
if wrong then
  return wrong
end
local time = now()
read_control(queue)
read_jobs(queue, {id})
local job, is_newer = parse_job(live_job(queue, id) or '')
local ended = record.ended
if job and job.retry_commit == ARGV[4] then
  return {DONE, job.job, job.seq}
elseif is_newer or job and job.state ~= 'x' and job.state ~= 'd' then
  return {CONFLICT}
elseif job and job.state == 'd' then
  remove_member(queue, queue.delayed, id)
elseif ended and ended.origin == origin then
  job = new_job(queue, ended.job, origin, {}, time)
  job.seq = ended.seq ~= '' and ended.seq or job.seq
  remove_member(queue, queue.dead, id)
else
  return {CONFLICT}
end
job.retry_commit = ARGV[4]
place(queue, id, job, 0, time)
flush(queue)
audit(context, id, 'retry', version, job.job, 'transformation', queue.transformation)
publish_changes(queue, {id})
return {DONE, job.job, job.seq}
