-- Contains the body of a script that writes a version of an item, and requests transformations in
-- the same atomic step.
--
-- KEYS  those of the body, then for each transformation the jobs of its queue; then the latest
--       key and the audit trail
-- ARGV  those of the body, then for each transformation: its name, a new job id;
--       then address, id, audit settings, audit fields, trace ('' for none), number of
--       transformations
-- Returns
--       what the body returns

local triggers = {}
do
  local count = tonumber(ARGV[#ARGV])
  triggers.trace, triggers.id, triggers.at = ARGV[#ARGV - 1], ARGV[#ARGV - 4], ARGV[#ARGV - 5]
  triggers.audit = audit_context(triggers.at, ARGV[#ARGV - 3], ARGV[#ARGV - 2])
  triggers.latest = KEYS[#KEYS - 1]
  triggers.keys, triggers.args = #KEYS - 2 - count, #ARGV - 6 - 2 * count
  for number = 1, count do
    local arg = triggers.args + 2 * (number - 1)
    local queue = queue_of(triggers.at, ARGV[arg + 1])
    queue.job = ARGV[arg + 2]
    local wrong = wrong_queue(queue) or wrong_records(queue)
    local key = record_key(queue.at, triggers.id, queue.transformation)
    if not wrong and not record_of(key) then
      wrong = redis.pcall('GETRANGE', key, '0', '0')
    end
    if wrong then
      return wrong
    end
    triggers[number] = queue
  end
end
-- The body and the library functions see the body's own keys and arguments. The tables are
-- shortened in place, because the library functions refer to the same tables.
for position = #KEYS, triggers.keys + 1, -1 do
  KEYS[position] = nil
end
for position = #ARGV, triggers.args + 1, -1 do
  ARGV[position] = nil
end
local function write()
  -- the body
end

local verdict = write()
-- An earlier call with the same commit has requested them, too.
if verdict[1] == DONE and not verdict[2] then
  local version, origin = item_of(triggers.latest)
  local time = now()
  local options = {trace = triggers.trace}
  for _, queue in ipairs(triggers) do
    if version then
      read_control(queue)
      read_jobs(queue, {triggers.id})
      local _, job, _, is_new = request_job(queue, triggers.id, queue.job, version, origin, options, time)
      flush(queue)
      if is_new then
        audit(triggers.audit, triggers.id, 'enqueue', version, job, 'transformation', queue.transformation)
      end
    end
  end
end
return verdict
