-- Runs a job again that failed for good or was cancelled, or at once one that waits after a failure. It
-- keeps its id.
--
-- KEYS  1–7 queue  8 record  9 latest  10 audit trail
-- ARGV  1 wake channel  2 id  3 commit  4 audit, packed  5 actor  6 name of the transformation
-- Gives {1, job} queued, now or by an earlier run with the same commit; {0} there is no such job;
--       {-1} the item is gone.

local queue = queue_of(1, ARGV[1])
local id, record = ARGV[2], KEYS[8]
local found = redis.call('HMGET', record, 'state', 'job', 'retry_commit', 'priority', 'origin')
-- A job without a sound id is none that can be retried; a new request takes its place.
if not found[2] or not string.find(found[2], '^%w+$') then
  return {0}
end
if found[3] == ARGV[3] then
  return {1, found[2]}
end
if found[1] ~= 'dead' and found[1] ~= 'cancelled' and found[1] ~= 'delayed' then
  return {0}
end
local version = head_of(KEYS[9])
if not version then
  return {-1}
end
local _, origin = item_of(KEYS[9])
if is_of_another(found[5], origin) then
  return {0}
end
local wrong = not_a_queue(queue) or wrong_type(record, 'hash')
  or no_record(record) or forbidden(KEYS[9], 'PTTL') or wrong_audit(ARGV[4], KEYS[10])
if wrong then
  return wrong
end
local time = whole(now())
redis.call('HSET', record, 'state', 'queued', 'retry_commit', ARGV[3], 'since', time)
if found[1] ~= 'delayed' then
  redis.call('HDEL', record, 'attempts', 'crashes', 'finished')
end
live_as(record, KEYS[9])
redis.call('ZREM', queue.dead, id)
redis.call('ZREM', queue.delayed, id)
push_back(queue, id, found[4])
audit(ARGV[4], KEYS[10], 'retry', version, found[2], ARGV[5], 'transformation', ARGV[6])
redis.pcall('PUBLISH', record, '')
settle(queue)
return {1, found[2]}
