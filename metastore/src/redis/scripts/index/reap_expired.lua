-- Removes items whose deadline has passed from all indexes and sorted sets, with their live jobs.
--
-- KEYS  1 index  2 … sorted sets that may hold the ids
-- ARGV  1 address  2 transformations, separated by spaces
-- Returns
--       {DONE, '1' if there may be more}

local at = ARGV[1]
local ids = expired_ids(at)
for transformation in string.gmatch(#ids > 0 and ARGV[2] or '', '%S+') do
  local queue = queue_of(at, transformation)
  local wrong = wrong_queue(queue)
  if wrong then
    return wrong
  end
  read_control(queue)
  read_jobs(queue, ids)
  for _, id in ipairs(ids) do
    local job = parse_job(live_job(queue, id) or '')
    if job and job.state ~= 'x' and redis.call('EXISTS', latest_key(at, id)) == 0 then
      drop_job(queue, id, job)
    end
  end
  flush(queue)
end
return {DONE, reap_expired(at, 2) and '1' or '0'}
