end

local verdict = write()
-- An earlier run has requested them, too.
if verdict[1] == 1 and not verdict[2] then
  local version, origin = item_of(requested.latest)
  local time = now()
  local options = {trace = requested.trace}
  for _, queue in ipairs(requested) do
    if version then
      local _, job, is_new = request(queue, queue.record, requested.latest, requested.id, queue.job,
        version, origin, options, time)
      if is_new then
        audit(requested.audit, requested.trail, 'enqueue', version, job, requested.actor,
          'transformation', queue.name)
      end
      settle(queue)
    end
  end
end
return verdict
