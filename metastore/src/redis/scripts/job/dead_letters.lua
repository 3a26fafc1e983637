-- Lists the jobs that failed for good, the last first. Entries whose item has expired are removed.
--
-- KEYS  1 jobs of the queue
-- ARGV  1 address  2 transformation  3 offset  4 limit  5 id of the only job wanted, '' for a page
-- Returns
--       {DONE, records} an id and the record of each job

local at, transformation = ARGV[1], ARGV[2]
local dead = queue_of(at, transformation).dead
local first = tonumber(ARGV[3])
local last = first + tonumber(ARGV[4]) - 1
local ids
if ARGV[5] ~= '' then
  ids = redis.call('ZSCORE', dead, ARGV[5]) and {ARGV[5]} or {}
else
  ids = redis.call('ZREVRANGE', dead, whole(first), whole(last))
end
local jobs = {}
for _, id in ipairs(ids) do
  local record = record_of(record_key(at, id, transformation))
  local _, _, origin = header_of(latest_key(at, id))
  if record and record.ended and record.ended.state == 'dead' and not (origin and record.ended.origin ~= origin) then
    jobs[#jobs + 1] = id
    jobs[#jobs + 1] = record.ended.text or ''
  else
    redis.call('ZREM', dead, id)
  end
end
return {DONE, jobs}
