-- Stores the result of a finished job, if there is one, and takes the next job with its document.
--
-- KEYS  1 waiting  2 running
-- ARGV  1 prefix of item keys  2 id of the finished job, '' for none  3 its result
-- Returns {id, document}, or nil if no job waits.

if ARGV[2] ~= '' then
  local record = ARGV[1] .. ARGV[2] .. ':transformation:digest'
  redis.call('HSET', record, 'state', 'done', 'result', ARGV[3])
  redis.call('LREM', KEYS[2], 1, ARGV[2])
end
local id = redis.call('LMOVE', KEYS[1], KEYS[2], 'LEFT', 'RIGHT')
if not id then
  return false
end
return {id, redis.call('GET', ARGV[1] .. id .. ':latest')}
