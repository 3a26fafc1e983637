-- What goes before the body of a script that writes a version of an item, so that transformations are
-- requested in the same atomic step; `requested` goes behind it.
--
-- KEYS  those of the body, then for each transformation: seven keys of its queue, its record;
--       then the latest key and the audit trail
-- ARGV  those of the body, then for each transformation: its wake channel, its name, a new job id;
--       then id, audit, packed, actor, trace ('' for none), number of transformations
-- Gives what the body gives.

local requested = {}
do
  local count = tonumber(ARGV[#ARGV])
  requested.id, requested.audit, requested.actor = ARGV[#ARGV - 4], ARGV[#ARGV - 3], ARGV[#ARGV - 2]
  requested.trace = ARGV[#ARGV - 1]
  requested.latest, requested.trail = KEYS[#KEYS - 1], KEYS[#KEYS]
  requested.keys, requested.args = #KEYS - 2 - 8 * count, #ARGV - 5 - 3 * count
  for number = 1, count do
    local key, arg = requested.keys + 8 * (number - 1), requested.args + 3 * (number - 1)
    local queue = queue_of(key + 1, ARGV[arg + 1])
    queue.record, queue.name, queue.job = KEYS[key + 8], ARGV[arg + 2], ARGV[arg + 3]
    local wrong = not_a_queue(queue) or wrong_type(queue.record, 'hash')
      or no_record(queue.record) or forbidden(requested.latest, 'PTTL', 'GETRANGE')
    if wrong then
      return wrong
    end
    requested[number] = queue
  end
end
-- The body and what it calls see their own keys and arguments. Cut off in place, because libraries that
-- stand above look at the same tables.
for position = #KEYS, requested.keys + 1, -1 do
  KEYS[position] = nil
end
for position = #ARGV, requested.args + 1, -1 do
  ARGV[position] = nil
end
local function write()
  -- the body
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
