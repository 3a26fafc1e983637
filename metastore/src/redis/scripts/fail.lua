-- Records that a run failed, if the worker still holds the job: it is run again later, or it is dead.
--
-- KEYS  1 record  2 waiting  3 leased  4 delayed  5 dead  6 latest  7 audit trail
-- ARGV  1 id  2 job  3 fence  4 error  5 ms until the next run, '' for none
--       6 wake channel  7 audit '1' or '0'  8 actor  9 name of the transformation
-- Gives {1} recorded, now or by an earlier run; {0} refused: another worker has the job, or it is
--       done; {-1} the item is gone, and the job with it.

local record = redis.call('HMGET', KEYS[1], 'job', 'fence', 'state', 'source', 'next', 'failed_fence')
if not record[1] then
  return {-1}
end
if record[6] == ARGV[3] then
  return {1}
end
if record[1] ~= ARGV[2] or record[2] ~= ARGV[3] or record[3] ~= 'running' then
  return {0}
end
local wrong = wrong_type(KEYS[2], 'list') or wrong_type(KEYS[3], 'zset')
  or wrong_type(KEYS[4], 'zset') or wrong_type(KEYS[5], 'zset')
  or (ARGV[7] == '1' and wrong_type(KEYS[7], 'stream'))
if wrong then
  return wrong
end
redis.call('ZREM', KEYS[3], ARGV[1])
if redis.call('EXISTS', KEYS[6]) == 0 then
  redis.call('DEL', KEYS[1])
  redis.call('PUBLISH', KEYS[1], '')
  return {-1}
end
local time = now()
redis.call('HINCRBY', KEYS[1], 'attempts', 1)
redis.call('HSET', KEYS[1], 'error', ARGV[4], 'failed_fence', ARGV[3])
redis.call('HDEL', KEYS[1], 'worker', 'progress')
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], 'state', 'delayed')
  redis.call('ZADD', KEYS[4], whole(time + tonumber(ARGV[5])), ARGV[1])
elseif record[5] then
  -- The item has changed since, and somebody asked for a run on what it is now.
  redis.call('HSET', KEYS[1], 'job', record[5], 'state', 'queued', 'attempts', 0, 'crashes', 0,
    'enqueued', whole(time))
  redis.call('HDEL', KEYS[1], 'next', 'started', 'error')
  if redis.call('RPUSH', KEYS[2], ARGV[1]) == 1 then
    redis.call('PUBLISH', ARGV[6], '')
  end
else
  redis.call('HSET', KEYS[1], 'state', 'dead', 'finished', whole(time))
  redis.call('ZADD', KEYS[5], whole(time), ARGV[1])
  local left = redis.call('PTTL', KEYS[6])
  if left > 0 then
    redis.call('PEXPIRE', KEYS[1], left)
  end
end
audit(ARGV[7], KEYS[7], 'fail', tonumber(record[4]), ARGV[2], ARGV[8], 'transformation', ARGV[9],
  'error', ARGV[4])
redis.call('PUBLISH', KEYS[1], '')
return {1}
