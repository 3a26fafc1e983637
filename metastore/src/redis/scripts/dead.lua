-- A page of the jobs that failed for good, the last first.
--
-- KEYS  1 dead
-- ARGV  1 what item keys begin with  2 what records end with  3 offset  4 limit
-- Gives {1, jobs}: each is {id, job, attempts, crashes, error, time}.

local first = tonumber(ARGV[3])
local last = first + tonumber(ARGV[4]) - 1
local jobs = {}
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], whole(first), whole(last))) do
  local record = redis.call('HMGET', ARGV[1] .. id .. ARGV[2], 'job', 'attempts', 'crashes', 'error',
    'finished')
  if record[1] then
    jobs[#jobs + 1] = {id, record[1], record[2] or '0', record[3] or '0', record[4] or '',
      record[5] or '0'}
  end
end
return {1, jobs}
