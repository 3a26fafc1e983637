-- Records the progress of a job, if the worker still holds it, and publishes the change.
--
-- KEYS  1 jobs of the queue
-- ARGV  1 address  2 transformation  3 id  4 job  5 fence  6 progress
-- Returns
--       {DONE}
--       {CONFLICT} another worker has the job, or it is done or gone

local queue, id = queue_of(ARGV[1], ARGV[2]), ARGV[3]
local wrong = wrong_type(queue.jobs, 'hash')
if wrong then
  return wrong
end
local text = redis.call('HMGET', queue.jobs, id)[1]
local job = parse_job(text or '')
if not job or job.state ~= 'r' or job.job ~= ARGV[4] or job.fence ~= ARGV[5] then
  return {CONFLICT}
end
job.progress = ARGV[6]
redis.call('HSET', queue.jobs, id, format_job(job))
publish_changes(queue, {id})
return {DONE}
