-- Lists the jobs that failed for good, the last first. Entries whose item has expired are removed.
--
-- KEYS  1 dead
-- ARGV  1 address  2 transformation  3 offset  4 limit  5 id of the only job wanted, '' for a page
-- Returns
--       {DONE, jobs} each is {id, job, attempts, crashes, error, time, source, enqueued}

local at, transformation = ARGV[1], ARGV[2]
local first = tonumber(ARGV[3])
local last = first + tonumber(ARGV[4]) - 1
local ids
if ARGV[5] ~= '' then
  ids = redis.call('ZSCORE', KEYS[1], ARGV[5]) and {ARGV[5]} or {}
else
  ids = redis.call('ZREVRANGE', KEYS[1], whole(first), whole(last))
end
local jobs = {}
for _, id in ipairs(ids) do
  local found = redis.pcall('HMGET', record_key(at, id, transformation), 'job', 'attempts', 'crashes', 'error',
    'finished', 'state', 'source', 'enqueued', 'origin')
  local _, _, origin = header_of(latest_key(at, id))
  if found[6] == 'dead' and not (origin and found[9] ~= origin) then
    local function number(field, digits)
      return whole(number_in(found[field], 0, digits))
    end
    jobs[#jobs + 1] = {id, found[1] or '', number(2, 9), number(3, 9), found[4] or '', number(5), number(7),
      number(8)}
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return {DONE, jobs}
