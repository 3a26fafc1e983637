-- Prolongs the leases of a worker's jobs, of all its queues in one call.
--
-- ARGV  1 lease in ms, then for each queue: its key of leases, what item keys begin with, what records
--       end with, the number of jobs, and id, job and fence of each
-- Gives {1, held}: for each job in turn 1, or 0 if the worker holds it no longer.

local deadline = whole(now() + tonumber(ARGV[1]))
local held = {}
local position = 2
while position <= #ARGV do
  local prefix, suffix = ARGV[position + 1], ARGV[position + 2]
  local wrong = wrong_type(ARGV[position], 'zset') or forbidden(prefix .. '*' .. suffix, 'HMGET')
    or forbidden(prefix .. '*:latest', 'GETRANGE')
  if wrong then
    return wrong
  end
  position = position + 4 + 3 * tonumber(ARGV[position + 3])
end
position = 2
while position <= #ARGV do
  local leased, prefix, suffix = ARGV[position], ARGV[position + 1], ARGV[position + 2]
  local count = tonumber(ARGV[position + 3])
  position = position + 4
  for _ = 1, count do
    local id = ARGV[position]
    local found = redis.pcall('HMGET', prefix .. id .. suffix, 'job', 'fence', 'state',
      'origin')
    local _, origin = item_of(prefix .. id .. ':latest')
    if found[1] == ARGV[position + 1] and found[2] == ARGV[position + 2] and found[3] == 'running'
      and not (origin and found[4] ~= origin) then
      redis.call('ZADD', leased, deadline, id)
      held[#held + 1] = 1
    else
      held[#held + 1] = 0
    end
    position = position + 3
  end
end
return {1, held}
