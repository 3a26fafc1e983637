-- Claims the job of one item for a caller that runs it in its own process; requests it if there is
-- none.
--
-- KEYS  1 jobs of the queue
-- ARGV  1 address  2 transformation  3 id  4 new job id  5 lease in ms  6 worker
--       7 audit settings  8 audit fields
-- Returns
--       {DONE, job, fence, attempts, crashes, document}
--       {CONFLICT} another worker runs it
--       {NOT_FOUND}
--       {NOT_A_DOCUMENT}

local at, id = ARGV[1], ARGV[3]
local queue, context = queue_of(at, ARGV[2]), audit_context(at, ARGV[7], ARGV[8])
local latest = latest_key(at, id)
local version, origin = item_of(latest)
if not version then
  return no_document(version, origin)
end
local wrong = wrong_queue(queue) or wrong_records(queue) or wrong_audit(context, id)
if wrong then
  return wrong
end
local record = record_of(record_key(at, id, queue.transformation))
if not record then
  return redis.call('GETRANGE', record_key(at, id, queue.transformation), '0', '0')
end
local time = now()
read_control(queue)
read_jobs(queue, {id})
local text = live_job(queue, id)
local job, is_newer = parse_job(text or '')
if is_newer then
  return {CONFLICT}
end
if job and job.state ~= 'x' and job.origin ~= short_origin(origin) then
  drop_job(queue, id, job)
end
if job and job.state == 'x' then
  job = nil
end
if job and job.state == 'r' then
  local deadline = redis.call('ZMSCORE', queue.leased, lease_of(id, job.fence))[1]
  if deadline and tonumber(deadline) > time then
    return {CONFLICT}
  end
  -- Callers of `run_with` begin at once, and run nothing else under this claim.
  job.crashes, job.crashed_at = job.crashes + 1, whole(time)
  remove_member(queue, queue.leased, lease_of(id, job.fence))
elseif job and job.state == 'd' then
  remove_member(queue, queue.delayed, id)
elseif job and job.state == 'q' then
  queue.stale = queue.stale + 1
else
  job = new_job(queue, ARGV[4], origin, {}, time)
  if record.ended and record.ended.state == 'dead' then
    remove_member(queue, queue.dead, id)
  end
end
local is_new = job.job == ARGV[4]
job.state, job.fence, job.source, job.started = 'r', whole(next_number(queue)), whole(version), whole(time)
job.worker, job.channel, job.alone = ARGV[6], nil, nil
save_job(queue, id, format_job(job))
-- Half a millisecond says that the run is confirmed: a caller that claims a job begins at once.
add_member(queue, queue.leased, lease_of(id, job.fence), whole(time + tonumber(ARGV[5])) .. '.5')
flush(queue)
if is_new then
  audit(context, id, 'enqueue', version, job.job, 'transformation', queue.transformation)
end
return {DONE, job.job, job.fence, whole(job.attempts), whole(job.crashes), redis.call('GET', latest)}
