-- Gives jobs back that were not run to an end, without counting an attempt.
--
-- KEYS  1 waiting  2 leased
-- ARGV  1 what item keys begin with  2 what records end with  3 wake channel
--       4 … id, job and fence of each job
-- Gives {1, number given back}.

local released = 0
for position = 4, #ARGV, 3 do
  local id = ARGV[position]
  local key = ARGV[1] .. id .. ARGV[2]
  local record = redis.call('HMGET', key, 'job', 'fence', 'state')
  if record[1] == ARGV[position + 1] and record[2] == ARGV[position + 2]
    and record[3] == 'running' then
    redis.call('HSET', key, 'state', 'queued')
    redis.call('HDEL', key, 'worker', 'source', 'started', 'progress')
    redis.call('ZREM', KEYS[2], id)
    redis.call('LPUSH', KEYS[1], id)
    released = released + 1
  end
end
if released > 0 then
  redis.call('PUBLISH', ARGV[3], '')
end
return {1, released}
