-- Notes how far a job is, if the worker still holds it, and tells whoever watches.
--
-- KEYS  1 record
-- ARGV  1 job  2 fence  3 progress
-- Gives {1} noted; {0} refused: the job is somebody else's by now, or it is done or gone.

local found = redis.call('HMGET', KEYS[1], 'job', 'fence', 'state')
if found[1] ~= ARGV[1] or found[2] ~= ARGV[2] or found[3] ~= 'running' then
  return {0}
end
redis.call('HSET', KEYS[1], 'progress', ARGV[3])
redis.pcall('PUBLISH', KEYS[1], '')
return {1}
