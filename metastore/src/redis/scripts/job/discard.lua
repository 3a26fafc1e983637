-- Removes a job that failed for good. An earlier result stays.
--
-- KEYS  1 jobs of the queue
-- ARGV  1 address  2 transformation  3 id
-- Returns
--       {DONE}
--       {CONFLICT} there is no such job

local at, id = ARGV[1], ARGV[3]
local queue = queue_of(at, ARGV[2])
local key = record_key(at, id, queue.transformation)
local wrong = wrong_queue(queue) or wrong_records(queue)
if wrong then
  return wrong
end
local text = redis.pcall('GET', key)
if type(text) == 'table' then
  return text
end
local record = parse_record(text)
local version, origin, deadline = item_of(latest_key(at, id))
redis.call('ZREM', queue.dead, id)
-- The job of an earlier item with the id is no job of this one.
if not record.ended or record.ended.state ~= 'dead' or version and record.ended.origin ~= origin then
  return {CONFLICT}
end
local job = parse_job(redis.call('HMGET', queue.jobs, id)[1] or '')
if job and job.state ~= 'x' then
  return {CONFLICT}
end
if record.rest then
  redis.call('SET', key, record.rest, 'KEEPTTL')
else
  redis.call('DEL', key)
end
publish_changes(queue, {id})
return {DONE}
