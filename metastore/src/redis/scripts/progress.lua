-- Notes how far a job is, if the worker still holds it.
--
-- KEYS  1 record
-- ARGV  1 job  2 fence  3 progress
-- Gives {1} noted; {0} refused: the job is somebody else's by now, or it is done or gone.

local record = redis.call('HMGET', KEYS[1], 'job', 'fence', 'state')
if record[1] ~= ARGV[1] or record[2] ~= ARGV[2] or record[3] ~= 'running' then
  return {0}
end
redis.call('HSET', KEYS[1], 'progress', ARGV[3])
return {1}
