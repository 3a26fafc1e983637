-- Stores the result of a job, if the worker still holds it.
--
-- KEYS  1 record  2 waiting  3 leased  4 latest  5 audit trail
-- ARGV  1 id  2 job  3 fence  4 result  5 wake channel  6 audit '1' or '0'  7 actor
--       8 name of the transformation
-- Gives {1} stored, now or by an earlier run; {0} refused: another worker has the job, or it is done;
--       {-1} the item is gone, and the job with it.

local record = redis.call('HMGET', KEYS[1], 'job', 'fence', 'state', 'source', 'next', 'result_job',
  'result_fence')
if record[6] == ARGV[2] and record[7] == ARGV[3] then
  return {1}
end
if not record[1] then
  return {-1}
end
if record[1] ~= ARGV[2] or record[2] ~= ARGV[3] or record[3] ~= 'running' then
  return {0}
end
local wrong = wrong_type(KEYS[2], 'list') or wrong_type(KEYS[3], 'zset')
  or (ARGV[6] == '1' and wrong_type(KEYS[5], 'stream'))
if wrong then
  return wrong
end
redis.call('ZREM', KEYS[3], ARGV[1])
local left = redis.call('PTTL', KEYS[4])
if left == -2 then
  redis.call('DEL', KEYS[1])
  redis.call('PUBLISH', KEYS[1], '')
  return {-1}
end
local time = whole(now())
redis.call('HSET', KEYS[1], 'state', 'done', 'finished', time, 'result', ARGV[4],
  'result_version', record[4], 'result_job', ARGV[2], 'result_fence', ARGV[3], 'result_at', time)
redis.call('HDEL', KEYS[1], 'error', 'worker', 'progress')
if record[5] then
  redis.call('HSET', KEYS[1], 'job', record[5], 'state', 'queued', 'attempts', 0, 'crashes', 0,
    'enqueued', time)
  redis.call('HDEL', KEYS[1], 'next', 'started', 'finished')
  if redis.call('RPUSH', KEYS[2], ARGV[1]) == 1 then
    redis.call('PUBLISH', ARGV[5], '')
  end
elseif left > 0 then
  redis.call('PEXPIRE', KEYS[1], left)
end
audit(ARGV[6], KEYS[5], 'finish', tonumber(record[4]), ARGV[2], ARGV[7], 'transformation', ARGV[8])
redis.call('PUBLISH', KEYS[1], '')
return {1}
