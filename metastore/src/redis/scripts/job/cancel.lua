-- Ends a live job without a result. A worker that runs it is told, and its result is refused.
--
-- KEYS  1 jobs of the queue
-- ARGV  1 address  2 transformation  3 id  4 commit  5 audit settings  6 audit fields
-- Returns
--       {DONE} cancelled, by this call or by an earlier one with the same commit
--       {CONFLICT} there is no live job

local at, id = ARGV[1], ARGV[3]
local queue, context = queue_of(at, ARGV[2]), audit_context(at, ARGV[5], ARGV[6])
local key = record_key(at, id, queue.transformation)
local record = record_of(key)
if not record then
  return redis.call('GETRANGE', key, '0', '0')
end
if record.ended and record.ended.commit == ARGV[4] then
  return {DONE}
end
local wrong = wrong_queue(queue) or wrong_records(queue) or wrong_audit(context, id)
if wrong then
  return wrong
end
read_control(queue)
read_jobs(queue, {id})
local job = parse_job(live_job(queue, id) or '')
if not job or job.state == 'x' then
  return {CONFLICT}
end
local version, origin, deadline = item_of(latest_key(at, id))
if version == nil or version and job.origin ~= short_origin(origin) then
  drop_job(queue, id, job)
  flush(queue)
  return {CONFLICT}
end
-- The item may hold no document any more.
origin, deadline = version and origin or job.origin, version and deadline or ''
end_job(queue, id, job, 'cancelled', ',"commit":"' .. ARGV[4] .. '"', origin, deadline, now())
drop_job(queue, id, job)
flush(queue)
audit(context, id, 'cancel', tonumber(job.source), job.job, 'transformation', queue.transformation)
publish_changes(queue, {id})
return {DONE}
