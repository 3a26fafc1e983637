-- Requests runs of a transformation on items. There is at most one live job for each item.
--
-- KEYS  1–7 queue
-- ARGV  1 wake channel  2 what item keys begin with  3 what records end with  4 what latest keys end
--       with  5 audit, packed, but for the id  6 what audit trails begin with  7 actor  8 name of the transformation
--       9 ms until they may run, '0' for now  10 priority  11 timeout in ms, '' for the usual
--       12 … id, new job id and trace of each item, '' for none
-- Gives {1, answers}, a code and a job for each item:
--       1, job: a new job, queued now or by an earlier run with the same id;
--       2, job: the live job that will do: it waits, or it runs on the current version;
--       -1: no such item; -2: the key does not hold a document; -3: a key of the item holds another
--       type of value.

local queue = queue_of(1, ARGV[1])
local wrong = not_a_queue(queue)
if wrong then
  return wrong
end
local options = {delay = tonumber(ARGV[9]), priority = ARGV[10], timeout = ARGV[11]}
local time = now()

local function enqueue(id, job, trace)
  local latest = ARGV[2] .. id .. ARGV[4]
  local version = head_of(latest)
  if version == nil then
    return -1, job
  elseif version == false then
    return -2, job
  end
  local record, trail = ARGV[2] .. id .. ARGV[3], ARGV[6] .. id
  local packed = packed_for(ARGV[5], id)
  if wrong_audit(packed, trail) then
    return -3, job
  end
  options.trace = trace
  local code, live, is_new = request(queue, record, latest, id, job, version, options, time)
  if is_new then
    audit(packed, trail, 'enqueue', version, live, ARGV[7], 'transformation', ARGV[8])
  end
  return code, live
end

local answers = {}
for position = 12, #ARGV, 3 do
  -- A record that makes no sense must not keep the others from being settled.
  local _, code, job = pcall(enqueue, ARGV[position], ARGV[position + 1], ARGV[position + 2])
  answers[#answers + 1] = type(code) == 'number' and code or -3
  answers[#answers + 1] = job or ''
end
settle(queue)
return {1, answers}
