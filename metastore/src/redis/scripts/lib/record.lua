-- The record of a transformation: a string of JSON that says how its last job ended, and holds its
-- last result. job/record.rs reads it. A live job is not in the record but in its queue, see
-- job.lua.
--
--   {"job":"…","seq":N,"fence":N,"version":N,"origin":"…","enqueued":T,…,"result":…}
--   {"ended":{"state":"dead","job":"…","seq":N,"origin":"…",…},"job":"…",…,"result":…}
--
-- `ended` is there if the last job is dead or was cancelled. What follows it is about the last job
-- that succeeded; it may be missing. Other tools may write the parts in any order.

-- A text as JSON.
local function json_text(text)
  if string.find(text, '^[%w-]*$') then
    return '"' .. text .. '"'
  end
  return cjson.encode(text)
end

-- What a record says of a job: its id, its place in the order of jobs, its fence and its origin.
local function parse_run(text)
  local job, seq, fence, origin, finished =
    string.match(text, '^{"job":"(%w+)","seq":(%d+),"fence":(%d+),"version":%d+,"origin":"([^"\\]*)"()')
  if job then
    return {job = job, seq = seq, fence = fence, origin = origin, finished = finished}
  end
end

local function parse_ended(text)
  local state, job, seq, origin, at =
    string.match(text, '^{"state":"(%l+)","job":"(%w+)","seq":(%d+),"origin":"([^"\\]*)"()')
  if job then
    return {state = state, job = job, seq = seq, origin = origin,
      commit = string.match(text, '^,"commit":"(%w+)"', at), fence = string.match(text, ',"fence":(%d+)'), text = text}
  end
end

-- The same for a table that the decoder has made of a text that another tool has written.
local function run_of_table(found)
  local function text(value)
    return type(value) == 'string' and value or type(value) == 'number' and whole(value) or ''
  end
  if type(found) == 'table' and type(found.job) == 'string' and string.find(found.job, '^%w+$') then
    return {job = found.job, seq = text(found.seq), fence = text(found.fence), origin = text(found.origin),
      state = text(found.state), commit = text(found.commit)}
  end
end

-- What a record says: `ended`, if the last job did not succeed; `last`, the last job that did; and
-- `rest`, the record without `ended`. Each may be missing. A text that is no record says nothing.
local function parse_record(text)
  local record = {}
  if not text or text == '' then
    return record
  end
  record.last = parse_run(text)
  if record.last then
    record.rest = text
    return record
  end
  if string.sub(text, 1, 10) == '{"ended":{' then
    -- A quotation mark within a text has a backslash in front, so this is not within one.
    local at = string.find(text, '},"job":"', 10, true)
    record.ended = parse_ended(string.sub(text, 10, at or #text - 1))
    record.rest = at and '{' .. string.sub(text, at + 2)
    record.last = record.rest and parse_run(record.rest)
    if record.ended and (record.last or not record.rest) then
      return record
    end
  end
  local is_json, found = pcall(cjson.decode, #text <= 4194304 and text or '')
  if is_json and type(found) == 'table' then
    record.ended, record.last = run_of_table(found.ended), run_of_table(found)
    found.ended = nil
    record.rest = record.last and cjson.encode(found)
  end
  return record
end

-- When the result in a text that a record begins with expires; nil if it lives as long as its item.
local function result_until(text)
  local head = string.match(text, '^(.-),"result":') or text
  return number_in(string.match(head, ',"until":(%d+)'))
end

-- What the record at `key` says, but for its result; false if the key holds another type of value.
local function record_of(key)
  local text = redis.pcall('GETRANGE', key, '0', '8191')
  return type(text) == 'string' and parse_record(text)
end
