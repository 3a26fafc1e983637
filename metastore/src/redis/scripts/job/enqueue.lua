-- Requests runs of a transformation on items. There is at most one live job for each item.
--
-- KEYS  1–7 queue
-- ARGV  1 address  2 transformation  3 audit settings
--       4 … id, new job id and options of each item; options are '' for the default, or in one text
--       'delay priority timeout length' and, after a space, the audit fields of that length and the
--       trace: ms until it may run, '0' for now; the others may be empty
-- Returns
--       {DONE, answers} a code and a job for each item:
--       1, job: a new job, queued by this call or by an earlier one with the same id
--       2, job: the live job that is enough: it waits, or it runs on the current version
--       NOT_FOUND
--       NOT_A_DOCUMENT
--       WRONG_TYPE

local at, transformation = ARGV[1], ARGV[2]
local queue, context = queue_of(1, at, transformation), audit_context(at, ARGV[3], '')
local wrong = wrong_queue(queue) or wrong_records(queue) or wrong_audit(context, '*')
if wrong then
  return wrong
end
local default = {delay = 0}
local time = now()

local function enqueue(id, job, text)
  local latest = latest_key(at, id)
  local version, refusal, origin = header_of(latest)
  if not version then
    return version == nil and NOT_FOUND or refusal and WRONG_TYPE or NOT_A_DOCUMENT, job
  end
  if wrong_audit(context, id) then
    return WRONG_TYPE, job
  end
  local options, fields = default, ''
  if text ~= '' then
    local delay, priority, timeout, length, rest = string.match(text, '^(%d+) (%S*) (%d*) (%d+) ()')
    fields = string.sub(text, rest, rest + length - 1)
    options = {delay = tonumber(delay) or 0, priority = priority, timeout = timeout,
      trace = string.sub(text, rest + length)}
  end
  local code, live, is_new =
    request_job(queue, record_key(at, id, transformation), latest, id, job, version, origin, options, time)
  if is_new and context then
    context.fields = audit_fields(fields)
    audit(context, id, 'enqueue', version, live, 'transformation', transformation)
  end
  return code, live
end

local answers = {}
for position = 4, #ARGV, 3 do
  -- A damaged record must not keep the other jobs from being flushed.
  local _, code, job = pcall(enqueue, ARGV[position], ARGV[position + 1], ARGV[position + 2])
  answers[#answers + 1] = type(code) == 'number' and code or WRONG_TYPE
  answers[#answers + 1] = job or ''
end
flush(queue)
return {DONE, answers}
