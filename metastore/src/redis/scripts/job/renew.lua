-- Renews the leases of a worker's jobs, of all its queues in one call.
--
-- KEYS  the leased jobs of each queue
-- ARGV  1 lease in ms, then for each queue: address, transformation, number of jobs, and id, job
--       and fence of each
-- Returns
--       {DONE, held} for each job in turn 1, or 0 if the worker no longer holds it

local deadline = whole(now() + tonumber(ARGV[1]))
local position = 2
for _, leased in ipairs(KEYS) do
  local at, transformation = ARGV[position], ARGV[position + 1]
  local wrong = wrong_type(leased, 'zset') or forbidden(record_key(at, '*', transformation), 'HMGET')
    or forbidden(latest_key(at, '*'), 'GETRANGE')
  if wrong then
    return wrong
  end
  position = position + 3 + 3 * tonumber(ARGV[position + 2])
end
local held = {}
position = 2
for _, leased in ipairs(KEYS) do
  local at, transformation, count = ARGV[position], ARGV[position + 1], tonumber(ARGV[position + 2])
  position = position + 3
  for _ = 1, count do
    local id = ARGV[position]
    local found =
      redis.pcall('HMGET', record_key(at, id, transformation), 'job', 'fence', 'state', 'origin')
    local _, _, origin = header_of(latest_key(at, id))
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
return {DONE, held}
