-- Removes a job that failed for good. An earlier result stays.
--
-- KEYS  1 record  2 dead  3 latest
-- ARGV  1 id
-- Returns
--       {DONE}
--       {CONFLICT} there is no such job

local found = redis.call('HMGET', KEYS[1], 'state', 'result', 'origin')
local _, _, origin = header_of(KEYS[3])
local wrong = wrong_type(KEYS[1], 'hash') or wrong_type(KEYS[2], 'zset') or forbidden(KEYS[1], 'DEL')
if wrong then
  return wrong
end
redis.call('ZREM', KEYS[2], ARGV[1])
-- The job of an earlier item with the id is dropped by the next script that finds it.
if found[1] ~= 'dead' or (origin and found[3] ~= origin) then
  return {CONFLICT}
end
if found[2] then
  redis.call('HSET', KEYS[1], 'state', 'done')
  redis.call('HDEL', KEYS[1], 'error', 'source', 'started', 'finished')
else
  redis.call('DEL', KEYS[1])
end
redis.pcall('PUBLISH', KEYS[1], '')
return {DONE}
