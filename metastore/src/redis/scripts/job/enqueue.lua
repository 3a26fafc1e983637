-- Requests runs of a transformation on items. There is at most one live job for each item.
--
-- KEYS  1 jobs of the queue
-- ARGV  1 address  2 transformation  3 audit settings
--       4 … id, new job id and options of each item; options are '' for the default, or in one
--       text 'delay priority again timeout length' and, after a space, the audit fields of that
--       length and the trace: ms until it may run, '0' for now; h, n or l; '1' if a run on this
--       version is not enough; the timeout may be empty
-- Returns
--       {DONE, answers} a code, a job and its number for each item:
--       1, job: a new job, queued by this call or by an earlier one with the same id
--       2, job: the live job that is enough: it waits, or it runs on the current version
--       NOT_FOUND
--       NOT_A_DOCUMENT
--       WRONG_TYPE

local at, transformation = ARGV[1], ARGV[2]
local queue, context = queue_of(at, transformation), audit_context(at, ARGV[3], '')
local wrong = wrong_queue(queue) or wrong_records(queue) or wrong_audit(context, '*')
if wrong then
  return wrong
end
local time = now()
read_control(queue)
local ids = {}
for position = 4, #ARGV, 3 do
  ids[#ids + 1] = ARGV[position]
end
read_jobs(queue, ids)

-- The records of the items, which say how earlier jobs ended. Most items have none.
local records = {}
for number, id in ipairs(ids) do
  records[number] = record_key(at, id, transformation)
end
local has_records = redis.call('EXISTS', unpack(records)) > 0
local time_text = whole(time)

local audited = {}
local function enqueue(id, job, text)
  local version, origin = item_of(latest_key(at, id))
  if not version then
    return version == nil and NOT_FOUND or origin and WRONG_TYPE or NOT_A_DOCUMENT, job
  end
  if wrong_audit(context, id) then
    return WRONG_TYPE, job
  end
  local options, fields = {}, ''
  if text ~= '' then
    local delay, priority, again, timeout, length, rest =
      string.match(text, '^(%d+) (%l) (%d) (%d*) (%d+) ()')
    fields = string.sub(text, rest, rest + length - 1)
    options = {delay = tonumber(delay), priority = priority, again = again == '1', timeout = timeout,
      trace = string.sub(text, rest + length)}
  end
  if text == '' and not has_records and not live_job(queue, id) then
    -- The first job of an item, without options.
    local seq = next_number(queue) .. ''
    push(queue, queue.waiting, id)
    save_job(queue, id, '2qn ' .. job .. ' ' .. seq .. ' ' .. time_text .. ' ' .. short_origin(origin))
    if context then
      audited[#audited + 1] = {'', id, version, job}
    end
    return 1, job, seq
  end
  local code, live, seq, is_new = request_job(queue, id, job, version, origin, options, time)
  if is_new and context then
    audited[#audited + 1] = {fields, id, version, live}
  end
  return code, live, seq
end

local answers = {}
for position = 4, #ARGV, 3 do
  local code, job, seq = enqueue(ARGV[position], ARGV[position + 1], ARGV[position + 2])
  answers[#answers + 1] = code
  answers[#answers + 1] = job
  answers[#answers + 1] = seq or '0'
end
flush(queue)
for _, entry in ipairs(audited) do
  context.fields = audit_fields(entry[1])
  audit(context, entry[2], 'enqueue', entry[3], entry[4], 'transformation', transformation)
end
return {DONE, answers}
