-- Prolongs the leases of a worker's jobs.
--
-- KEYS  1 leased
-- ARGV  1 what item keys begin with  2 what records end with  3 lease in ms
--       4 … id, job and fence of each job
-- Gives {1, held}: for each job 1, or 0 if the worker holds it no longer.

local deadline = whole(now() + tonumber(ARGV[3]))
local held = {}
for position = 4, #ARGV, 3 do
  local id = ARGV[position]
  local record = redis.call('HMGET', ARGV[1] .. id .. ARGV[2], 'job', 'fence', 'state')
  if record[1] == ARGV[position + 1] and record[2] == ARGV[position + 2]
    and record[3] == 'running' then
    redis.call('ZADD', KEYS[1], deadline, id)
    held[#held + 1] = 1
  else
    held[#held + 1] = 0
  end
end
return {1, held}
