-- Ends a live job without a result. A worker that runs it is refused from now on, and hears of it at its
-- next renewal.
--
-- KEYS  1 record  2 delayed  3 leased  4 audit trail
-- ARGV  1 id  2 commit  3 audit '1' or '0'  4 actor  5 name of the transformation
-- Gives {1} cancelled, now or by an earlier run with the same commit; {0} there is no live job.
-- The id may stay in the list of waiting ones; `take` passes over it.

local record = redis.call('HMGET', KEYS[1], 'state', 'job', 'cancel_commit', 'source')
if record[3] == ARGV[2] then
  return {1}
end
local state = record[1]
if state ~= 'queued' and state ~= 'delayed' and state ~= 'running' then
  return {0}
end
local wrong = wrong_type(KEYS[2], 'zset') or wrong_type(KEYS[3], 'zset')
  or (ARGV[3] == '1' and wrong_type(KEYS[4], 'stream'))
if wrong then
  return wrong
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('HSET', KEYS[1], 'state', 'cancelled', 'finished', whole(now()), 'cancel_commit', ARGV[2])
redis.call('HDEL', KEYS[1], 'next', 'worker', 'progress')
audit(ARGV[3], KEYS[4], 'cancel', tonumber(record[4] or '0'), record[2], ARGV[4],
  'transformation', ARGV[5])
redis.call('PUBLISH', KEYS[1], '')
return {1}
