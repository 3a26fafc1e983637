-- Claims the job of one item for a caller that runs it in its own process; requests it if there is
-- none.
--
-- KEYS  1–7 queue  8 record  9 latest  10 audit trail
-- ARGV  1 address  2 transformation  3 id  4 new job id  5 lease in ms  6 worker
--       7 audit settings  8 audit fields
-- Returns
--       {DONE, job, fence, attempts, crashes, document}
--       {CONFLICT} another worker runs it
--       {NOT_FOUND}
--       {NOT_A_DOCUMENT}

local queue, record, latest, id = queue_of(1, ARGV[1], ARGV[2]), KEYS[8], KEYS[9], ARGV[3]
local context = audit_context(ARGV[1], ARGV[7], ARGV[8])
local version, refusal, origin = header_of(latest)
if not version then
  return no_document(version, refusal)
end
local wrong = wrong_type(record, 'hash') or wrong_record(record) or wrong_type(queue.delayed, 'zset')
  or wrong_type(queue.leased, 'zset') or wrong_type(queue.dead, 'zset') or wrong_audit(context, id)
if wrong then
  return wrong
end
local time = now()
local found = redis.call('HMGET', record, 'job', 'state', 'fence', 'origin', 'attempts', 'crashes')
if found[1] and (is_of_another(found[4], origin) or not string.find(found[1], '^%w+$')) then
  drop_record(queue, record, id)
  found = {}
end
local job, state = found[1], found[2]
if state == 'running' then
  local deadline = redis.call('ZSCORE', queue.leased, id)
  if deadline and tonumber(deadline) > time then
    return {CONFLICT}
  end
  redis.call('HSET', record, 'crashes', whole(number_in(found[6], 0, 9) + 1))
elseif state ~= 'queued' and state ~= 'delayed' then
  job = ARGV[4]
  open_job(queue, record, latest, origin, id, job, state, 'running', {}, time, time)
  audit(context, id, 'enqueue', version, job, 'transformation', ARGV[2])
end
local fence = whole(number_in(found[3], 0) + 1)
redis.call('HSET', record, 'state', 'running', 'source', whole(version), 'worker', ARGV[6],
  'started', whole(time), 'fence', fence)
redis.call('ZREM', queue.delayed, id)
redis.call('ZADD', queue.leased, whole(time + tonumber(ARGV[5])), id)
local counts = redis.call('HMGET', record, 'attempts', 'crashes')
return {DONE, job, fence, whole(number_in(counts[1], 0, 9)), whole(number_in(counts[2], 0, 9)),
  redis.call('GET', latest)}
