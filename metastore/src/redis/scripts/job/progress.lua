-- Records the progress of a job, if the worker still holds it, and publishes the change.
--
-- KEYS  1 record
-- ARGV  1 job  2 fence  3 progress
-- Returns
--       {DONE}
--       {CONFLICT} another worker has the job, or it is done or gone

local found = redis.call('HMGET', KEYS[1], 'job', 'fence', 'state')
if found[1] ~= ARGV[1] or found[2] ~= ARGV[2] or found[3] ~= 'running' then
  return {CONFLICT}
end
redis.call('HSET', KEYS[1], 'progress', ARGV[3])
redis.pcall('PUBLISH', KEYS[1], '')
return {DONE}
