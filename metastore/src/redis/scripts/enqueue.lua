-- Requests a run of a transformation on an item. There is at most one live job for each.
--
-- KEYS  1 record  2 waiting  3 dead  4 latest  5 audit trail  6 delayed
-- ARGV  1 id  2 new job id  3 wake channel  4 audit '1' or '0'  5 actor
--       6 name of the transformation  7 ms until it may run, '0' for now
-- Gives {1, job} a new job, queued now or by an earlier run with the same id;
--       {2, job} the live job that will do: it waits, or it runs on the current version;
--       {-1} no such item; {-2} the key does not hold a document.

local version = head_of(KEYS[4])
if version == nil then
  return {-1}
end
if version == false then
  return {-2}
end
local id, job = ARGV[1], ARGV[2]
local record = redis.call('HMGET', KEYS[1], 'job', 'state', 'source', 'next', 'result_job')
if record[1] == job or record[4] == job or record[5] == job then
  return {1, job}
end
local wrong = wrong_type(KEYS[2], 'list') or wrong_type(KEYS[3], 'zset')
  or wrong_type(KEYS[6], 'zset')
  or (ARGV[4] == '1' and wrong_type(KEYS[5], 'stream'))
if wrong then
  return wrong
end
local state = record[2]
local delay = tonumber(ARGV[7])
if state == 'queued' then
  return {2, record[1]}
end
if state == 'delayed' then
  -- One that was put off by request runs earlier by request. One that failed keeps its pause.
  if delay == 0 and redis.call('HGET', KEYS[1], 'attempts') == '0' then
    redis.call('ZREM', KEYS[6], id)
    redis.call('HSET', KEYS[1], 'state', 'queued')
    if redis.call('RPUSH', KEYS[2], id) == 1 then
      redis.call('PUBLISH', ARGV[3], '')
    end
  end
  return {2, record[1]}
end
if state == 'running' then
  if record[4] then
    return {2, record[4]}
  end
  if tonumber(record[3]) >= version then
    return {2, record[1]}
  end
  -- It runs on an older version: once more afterwards.
  redis.call('HSET', KEYS[1], 'next', job)
else
  local time = now()
  redis.call('HSET', KEYS[1], 'job', job, 'state', delay > 0 and 'delayed' or 'queued',
    'attempts', 0, 'crashes', 0, 'enqueued', whole(time))
  redis.call('HDEL', KEYS[1], 'error', 'source', 'started', 'finished', 'worker', 'progress')
  redis.call('PERSIST', KEYS[1])
  redis.call('ZREM', KEYS[3], id)
  if delay > 0 then
    redis.call('ZADD', KEYS[6], whole(time + delay), id)
    -- Whoever sleeps until the first one is due must hear of an earlier one.
    if redis.call('ZRANGE', KEYS[6], 0, 0)[1] == id then
      redis.call('PUBLISH', ARGV[3], '')
    end
  elseif redis.call('RPUSH', KEYS[2], id) == 1 then
    redis.call('PUBLISH', ARGV[3], '')
  end
end
audit(ARGV[4], KEYS[5], 'enqueue', version, job, ARGV[5], 'transformation', ARGV[6])
return {1, job}
