-- Runs a job again that failed for good or was cancelled, or now if it waits after a failure. It
-- keeps its id.
--
-- KEYS  1–7 queue  8 record  9 latest  10 audit trail
-- ARGV  1 address  2 transformation  3 id  4 commit  5 audit settings  6 audit fields
-- Returns
--       {DONE, job} queued, by this call or by an earlier one with the same commit
--       {CONFLICT} there is no such job
--       {NOT_FOUND} the item does not exist, or is not a document

local queue, record, id = queue_of(1, ARGV[1], ARGV[2]), KEYS[8], ARGV[3]
local context = audit_context(ARGV[1], ARGV[5], ARGV[6])
local found = redis.call('HMGET', record, 'state', 'job', 'retry_commit', 'priority', 'origin')
-- A job without a valid id cannot be retried; a new request replaces it.
if not found[2] or not string.find(found[2], '^%w+$') then
  return {CONFLICT}
end
if found[3] == ARGV[4] then
  return {DONE, found[2]}
end
if found[1] ~= 'dead' and found[1] ~= 'cancelled' and found[1] ~= 'delayed' then
  return {CONFLICT}
end
local version, refusal, origin = header_of(KEYS[9])
if not version then
  return version == false and refusal or {NOT_FOUND}
end
if is_of_another(found[5], origin) then
  return {CONFLICT}
end
local wrong = wrong_queue(queue) or wrong_type(record, 'hash')
  or wrong_record(record) or forbidden(KEYS[9], 'PTTL') or wrong_audit(context, id)
if wrong then
  return wrong
end
local time = whole(now())
redis.call('HSET', record, 'state', 'queued', 'retry_commit', ARGV[4], 'since', time)
if found[1] ~= 'delayed' then
  redis.call('HDEL', record, 'attempts', 'crashes', 'finished')
end
expire_with_item(record, KEYS[9])
redis.call('ZREM', queue.dead, id)
redis.call('ZREM', queue.delayed, id)
push_back(queue, id, found[4])
audit(context, id, 'retry', version, found[2], 'transformation', ARGV[2])
redis.pcall('PUBLISH', record, '')
flush(queue)
return {DONE, found[2]}
