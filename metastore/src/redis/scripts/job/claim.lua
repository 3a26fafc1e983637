-- Claims the job of one item for whoever runs it at once, in this very process; requests it if there is
-- none.
--
-- KEYS  1–7 queue  8 record  9 latest  10 audit trail
-- ARGV  1 id  2 new job id  3 lease in ms  4 worker  5 audit, packed  6 actor
--       7 name of the transformation
-- Gives {1, job, fence, attempts, crashes, document}; {0} somebody runs it; {-1} no such item; {-2} the
--       key does not hold a document.

local queue = queue_of(1, nil)
local id, record = ARGV[1], KEYS[8]
local version = head_of(KEYS[9])
if version == nil then
  return {-1}
end
if version == false then
  return {-2}
end
local wrong = wrong_type(record, 'hash') or no_record(record) or wrong_type(queue.delayed, 'zset')
  or wrong_type(queue.leased, 'zset') or wrong_type(queue.dead, 'zset')
  or wrong_audit(ARGV[5], KEYS[10])
if wrong then
  return wrong
end
local time = now()
local found = redis.call('HMGET', record, 'job', 'state', 'fence', 'origin', 'attempts', 'crashes')
local _, origin = item_of(KEYS[9])
if found[1] and (is_of_another(found[4], origin) or not string.find(found[1], '^%w+$')) then
  drop_record(queue, record, id)
  found = {}
end
local job, state = found[1], found[2]
if state == 'running' then
  local deadline = redis.call('ZSCORE', queue.leased, id)
  if deadline and tonumber(deadline) > time then
    return {0}
  end
  redis.call('HSET', record, 'crashes', whole(number_in(found[6], 0, 9) + 1))
elseif state ~= 'queued' and state ~= 'delayed' then
  job = ARGV[2]
  open_job(queue, record, KEYS[9], origin, id, job, state, 'running', {}, time, time)
  audit(ARGV[5], KEYS[10], 'enqueue', version, job, ARGV[6], 'transformation', ARGV[7])
end
local fence = whole(number_in(found[3], 0) + 1)
redis.call('HSET', record, 'state', 'running', 'source', whole(version), 'worker', ARGV[4],
  'started', whole(time), 'fence', fence)
redis.call('ZREM', queue.delayed, id)
redis.call('ZADD', queue.leased, whole(time + tonumber(ARGV[3])), id)
local counts = redis.call('HMGET', record, 'attempts', 'crashes')
return {1, job, fence, whole(number_in(counts[1], 0, 9)), whole(number_in(counts[2], 0, 9)),
  redis.call('GET', KEYS[9])}
