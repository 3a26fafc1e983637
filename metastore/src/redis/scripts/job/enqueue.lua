-- Requests runs of a transformation on items. There is at most one live job for each item.
--
-- KEYS  1–7 queue
-- ARGV  1 wake channel  2 what item keys begin with  3 what records end with  4 what latest keys end
--       with  5 audit, packed, but for the id  6 what audit trails begin with  7 name of the transformation
--       8 … id, new job id and wishes of each item; wishes are '' for none, or in one text
--       'delay priority timeout length' and, behind a blank, the actor of that length and the trace: ms until it may
--       run, '0' for now; the others may be empty
-- Gives {1, answers}, a code and a job for each item:
--       1, job: a new job, queued now or by an earlier run with the same id;
--       2, job: the live job that will do: it waits, or it runs on the current version;
--       -1: no such item; -2: the key does not hold a document; -3: a key of the item holds another
--       type of value.

local queue = queue_of(1, ARGV[1])
local wrong = not_a_queue(queue) or no_records(ARGV[2], ARGV[3])
  or (ARGV[5] ~= '' and wrong_audit(packed_for(ARGV[5], '*'), ARGV[6] .. '*'))
if wrong then
  return wrong
end
local usual = {delay = 0, actor = ''}
local time = now()

local prefix, record_suffix, latest_suffix = ARGV[2], ARGV[3], ARGV[4]

local function enqueue(id, job, wishes)
  local latest = prefix .. id .. latest_suffix
  local version, origin = item_of(latest)
  if not version then
    local found = redis.call('TYPE', latest)['ok']
    return found == 'none' and -1 or found == 'string' and -2 or -3, job
  end
  local record = prefix .. id .. record_suffix
  local packed, trail = packed_for(ARGV[5], id), nil
  if packed ~= '' then
    trail = ARGV[6] .. id
    if wrong_audit(packed, trail) then
      return -3, job
    end
  end
  local options = usual
  if wishes ~= '' then
    local delay, priority, timeout, length, rest = string.match(wishes, '^(%d+) (%S*) (%d*) (%d+) ()')
    local actor, trace = string.sub(wishes, rest, rest + length - 1), string.sub(wishes, rest + length)
    options = {delay = tonumber(delay) or 0, priority = priority, timeout = timeout, actor = actor, trace = trace}
  end
  local code, live, is_new = request(queue, record, latest, id, job, version, origin, options, time)
  if is_new then
    audit(packed, trail, 'enqueue', version, live, options.actor, 'transformation', ARGV[7])
  end
  return code, live
end

local answers = {}
for position = 8, #ARGV, 3 do
  -- A record that makes no sense must not keep the others from being settled.
  local _, code, job = pcall(enqueue, ARGV[position], ARGV[position + 1], ARGV[position + 2])
  answers[#answers + 1] = type(code) == 'number' and code or -3
  answers[#answers + 1] = job or ''
end
settle(queue)
return {1, answers}
