-- Ends a live job without a result. A worker that runs it is refused from now on, and hears of it at its
-- next renewal.
--
-- KEYS  1–7 queue  8 record  9 audit trail  10 latest
-- ARGV  1 id  2 commit  3 audit, packed  4 actor  5 name of the transformation
-- Gives {1} cancelled, now or by an earlier run with the same commit; {0} there is no live job.
-- The id may stay in a list of waiting ones; `take` passes over it.

local queue = queue_of(1, '')
local record = KEYS[8]
local found = redis.call('HMGET', record, 'state', 'job', 'cancel_commit', 'source', 'origin')
if found[3] == ARGV[2] then
  return {1}
end
local state = found[1]
local _, origin = item_of(KEYS[10])
if found[2] and is_of_another(found[5], origin) then
  return {0}
end
if state ~= 'queued' and state ~= 'delayed' and state ~= 'running' then
  return {0}
end
local wrong = wrong_type(record, 'hash') or wrong_type(queue.delayed, 'zset') or wrong_type(queue.leased, 'zset')
  or wrong_audit(ARGV[3], KEYS[9])
if wrong then
  return wrong
end
redis.call('HSET', record, 'state', 'cancelled', 'finished', whole(now()), 'cancel_commit', ARGV[2])
redis.call('ZREM', queue.delayed, ARGV[1])
redis.call('ZREM', queue.leased, ARGV[1])
redis.call('HDEL', record, 'next', 'next_priority', 'next_timeout', 'next_trace', 'worker', 'progress')
audit(ARGV[3], KEYS[9], 'cancel', number_in(found[4], 0), found[2], ARGV[4],
  'transformation', ARGV[5])
redis.pcall('PUBLISH', record, '')
return {1}
