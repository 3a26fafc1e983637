-- Requests runs of a transformation on items. There is at most one live job for each item.
--
-- KEYS  1–7 queue
-- ARGV  1 wake channel  2 what item keys begin with  3 what records end with  4 what latest keys end
--       with  5 audit, packed, but for the id  6 what audit trails begin with  7 actor  8 name of the transformation
--       9 ms until they may run, '0' for now  10 priority  11 timeout in ms, '' for the usual
--       12 trace, '' for none
--       13 … id and new job id of each item
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
local options = {delay = tonumber(ARGV[9]), priority = ARGV[10], timeout = ARGV[11], trace = ARGV[12]}
local time = now()
local answers = {}
for position = 13, #ARGV, 2 do
  local id, job = ARGV[position], ARGV[position + 1]
  local latest = ARGV[2] .. id .. ARGV[4]
  local version = head_of(latest)
  local record, trail = ARGV[2] .. id .. ARGV[3], ARGV[6] .. id
  local packed = packed_for(ARGV[5], id)
  local code
  if version == nil then
    code = -1
  elseif version == false then
    code = -2
  elseif wrong_type(record, 'hash') or wrong_audit(packed, trail) then
    code = -3
  else
    local is_new
    code, job, is_new = request(queue, record, latest, id, job, version, options, time)
    if is_new then
      audit(packed, trail, 'enqueue', version, job, ARGV[7], 'transformation', ARGV[8])
    end
  end
  answers[#answers + 1] = code
  answers[#answers + 1] = job
end
announce(queue)
return {1, answers}
