-- Ends a live job without a result. A worker that runs it is refused from now on, and learns of it
-- when it next renews its lease.
--
-- KEYS  1–7 queue  8 record  9 audit trail  10 latest
-- ARGV  1 address  2 transformation  3 id  4 commit  5 audit settings  6 audit fields
-- Returns
--       {DONE} cancelled, by this call or by an earlier one with the same commit
--       {CONFLICT} there is no live job
--
-- The id may stay in a list of waiting jobs, where `take` skips it.

local queue, record, id = queue_of(1, ARGV[1], ARGV[2]), KEYS[8], ARGV[3]
local context = audit_context(ARGV[1], ARGV[5], ARGV[6])
local found = redis.call('HMGET', record, 'state', 'job', 'cancel_commit', 'source', 'origin')
if found[3] == ARGV[4] then
  return {DONE}
end
local state = found[1]
local _, _, origin = header_of(KEYS[10])
if found[2] and is_of_another(found[5], origin) then
  return {CONFLICT}
end
if state ~= 'queued' and state ~= 'delayed' and state ~= 'running' then
  return {CONFLICT}
end
local wrong = wrong_type(record, 'hash') or wrong_type(queue.delayed, 'zset') or wrong_type(queue.leased, 'zset')
  or wrong_audit(context, id)
if wrong then
  return wrong
end
redis.call('HSET', record, 'state', 'cancelled', 'finished', whole(now()), 'cancel_commit', ARGV[4])
redis.call('ZREM', queue.delayed, id)
redis.call('ZREM', queue.leased, id)
redis.call('HDEL', record, 'next', 'next_priority', 'next_timeout', 'next_trace', 'worker', 'progress')
audit(context, id, 'cancel', number_in(found[4], 0), found[2], 'transformation', ARGV[2])
redis.pcall('PUBLISH', record, '')
return {DONE}
