-- Gives jobs to a worker: returns delayed jobs that are due and jobs of dead workers to the queue,
-- takes up to n waiting ones, and returns their documents in the same reply.
--
-- KEYS  1–7 queue
-- ARGV  1 address  2 transformation  3 n  4 lease in ms  5 worker
--       6 number of crashes after which a job is dead
--       7 '1' to run delayed jobs now, whatever their time
--       8 audit settings  9 audit fields
-- Returns
--       {DONE, jobs, waiting, ready, due, time} each job is {about, id, document}, where `about` is
--       in one text 'job fence attempts crashes since timeout trace', the last two may be empty;
--       how many are left waiting;
--       1 if some of them can be taken now; the time in ms until the next one may be due, -1 for
--       none; the time now, as `since` in ms

-- The bytes of documents after which a reply ends.
local MAX_BYTES = 4 * 1024 * 1024

local at, transformation = ARGV[1], ARGV[2]
local queue, context = queue_of(1, at, transformation), audit_context(at, ARGV[8], ARGV[9])
local wrong = wrong_queue(queue) or wrong_records(queue)
  or forbidden(queue.normal, 'LLEN', 'LRANGE') or wrong_audit(context, '*')
if wrong then
  return wrong
end
local clock = redis.call('TIME')
local micros = tonumber(clock[2])
local time = tonumber(clock[1]) * 1000 + math.floor(micros / 1000)

local until_when = ARGV[7] == '1' and '+inf' or whole(time)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', queue.delayed, '-inf', until_when, 'LIMIT', 0, 100)) do
  local score = redis.call('ZSCORE', queue.delayed, id)
  redis.call('ZREM', queue.delayed, id)
  local record = record_key(at, id, transformation)
  -- A record of another type is skipped, because the jobs before it are not yet in their list.
  local found = redis.pcall('HMGET', record, 'state', 'priority')
  if found[1] == 'delayed' then
    redis.call('HSET', record, 'state', 'queued', 'since', whole(math.min(tonumber(score), time)))
    push_back(queue, id, found[2])
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', queue.leased, '-inf', whole(time), 'LIMIT', 0, 100)) do
  redis.call('ZREM', queue.leased, id)
  local record = record_key(at, id, transformation)
  local found = redis.pcall('HMGET', record, 'state', 'priority', 'job', 'source', 'crashes', 'attempts', 'fence')
  if found[1] == 'running' then
    local damaged = damaged_field(found[3],
      {source = found[4], crashes = found[5], attempts = found[6], fence = found[7]})
    if damaged then
      dead_letter_damaged(queue, record, id, latest_key(at, id), damaged, found[3], time)
    else
      local crashes = redis.call('HINCRBY', record, 'crashes', 1)
      if crashes >= tonumber(ARGV[6]) then
        local message = 'the worker stopped or froze while it ran this job, ' .. whole(crashes) .. ' times'
        dead_letter(queue, record, id, latest_key(at, id), message, time)
        -- A foreign key of one item must not stop the whole queue.
        if not wrong_audit(context, id) then
          audit(context, id, 'fail', number_in(found[4], 0), found[3], 'transformation', transformation,
            'error', message)
        end
        redis.pcall('PUBLISH', record, '')
      else
        redis.call('HSET', record, 'state', 'queued', 'since', whole(time))
        -- It has waited longest, so it is first.
        push_front(queue, id, found[2])
      end
    end
  end
end

flush(queue)

-- How many may be taken: none of a paused queue, and no more than its limits allow.
local wanted = tonumber(ARGV[3])
local due = -1
local function set_due(ms)
  if due < 0 or ms < due then
    due = math.max(0, ms)
  end
end
local control = redis.call('HMGET', queue.control, 'paused', 'max_running', 'rate_count', 'rate_ms',
  'tokens', 'tokens_at')
local limited = false
local function limit(number)
  if number < wanted then
    wanted = math.max(0, number)
    limited = true
  end
end
if control[1] then
  limit(0)
end
if control[2] then
  limit(number_in(control[2], wanted) - redis.call('ZCARD', queue.leased))
end
local tokens, per_ms
local rate_count, rate_ms = number_in(control[3], 0), number_in(control[4], 0)
if rate_count > 0 and rate_ms > 0 then
  per_ms = rate_count / rate_ms
  local since = math.max(0, time - number_in(control[6], 0))
  local left = control[5] and string.find(control[5], '^-?%d+%.?%d*$') and tonumber(control[5])
  tokens = math.min(rate_count, (left or rate_count) + since * per_ms)
  limit(math.floor(tokens))
end

-- The waiting jobs of each priority, read in pages; those that were read are removed at the end.
local lists = {}
for _, name in ipairs({'high', 'normal', 'low'}) do
  lists[name] = {key = queue[name], ids = {}, at = 0, read_count = 0, ended = wanted == 0}
end
local function next_of(list)
  if list.at == #list.ids and not list.ended then
    list.ids = redis.call('LRANGE', list.key, list.read_count, list.read_count + wanted - 1)
    list.at = 0
    list.ended = #list.ids < wanted
  end
  local id = list.ids[list.at + 1]
  if id then
    list.at = list.at + 1
    list.read_count = list.read_count + 1
  end
  return id
end
-- Of 16 turns, 11 begin with the high priority, 4 with the normal one and one with the low one, so
-- that no job waits for ever. The clock decides with which turn a call begins.
local function next_id(turn)
  local slot = (micros + turn) % 16
  if slot == 15 then
    return next_of(lists.low) or next_of(lists.high) or next_of(lists.normal)
  elseif slot >= 11 then
    return next_of(lists.normal) or next_of(lists.high) or next_of(lists.low)
  end
  return next_of(lists.high) or next_of(lists.normal) or next_of(lists.low)
end

local call = redis.call
local jobs, bytes = {}, 0
local worker = ARGV[5]
local time_text, leased_until, leases = whole(time), whole(time + tonumber(ARGV[4])), {}
-- Deletions leave ids without a live job in the lists; how many of them are skipped is bounded,
-- too.
for turn = 1, wanted + 100 do
  if #jobs >= wanted or bytes >= MAX_BYTES then
    break
  end
  local id = next_id(turn)
  if not id then
    break
  end
  local record = record_key(at, id, transformation)
  -- Nothing may fail from here on: the jobs that were taken before would be lost. A record of
  -- another type is skipped.
  local found = redis.pcall('HMGET', record, 'job', 'state', 'attempts', 'crashes', 'fence', 'timeout',
    'trace', 'since', 'enqueued', 'origin')
  local latest = latest_key(at, id)
  local damaged = found[2] == 'queued' and damaged_field(found[1], {attempts = found[3], crashes = found[4],
    fence = found[5], timeout = found[6], since = found[8], enqueued = found[9]})
  if damaged then
    dead_letter_damaged(queue, record, id, latest, damaged, found[1], time)
  elseif found[2] == 'queued' then
    local document = redis.pcall('GET', latest)
    -- Text that is not a document is returned, too: the reader can say what is wrong with it.
    local version, origin, _
    if type(document) == 'string' then
      version, _, origin = header_in(document)
    end
    if type(document) == 'string' and not is_of_another(found[10], origin) then
      local fence = whole(number_in(found[5], 0) + 1)
      call('HSET', record, 'state', 'running', 'source', whole(version or 0), 'worker', worker, 'started', time_text,
        'fence', fence)
      leases[#leases + 1] = leased_until
      leases[#leases + 1] = id
      local about = found[1] .. ' ' .. fence .. ' ' .. (found[3] or '0') .. ' ' .. (found[4] or '0') .. ' '
        .. (found[8] or found[9] or time_text) .. ' ' .. (found[6] or '') .. ' ' .. (found[7] or '')
      jobs[#jobs + 1] = {about, id, document}
      bytes = bytes + #document
    else
      redis.call('DEL', record)
      redis.pcall('PUBLISH', record, '')
    end
  end
end
for first = 1, #leases, 200 do
  redis.call('ZADD', queue.leased, unpack(leases, first, math.min(first + 199, #leases)))
end
local waiting = 0
for _, list in pairs(lists) do
  if list.read_count > 0 then
    redis.call('LTRIM', list.key, list.read_count, -1)
  end
  waiting = waiting + redis.call('LLEN', list.key)
end

if tokens then
  tokens = tokens - #jobs
  redis.call('HSET', queue.control, 'tokens', string.format('%.6f', tokens), 'tokens_at', whole(time))
  if waiting > 0 and tokens < 1 then
    set_due(math.ceil((1 - tokens) / per_ms))
  end
end
for _, key in ipairs({queue.delayed, queue.leased}) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] then
    set_due(tonumber(first[2]) - time)
  end
end
local ready = waiting > 0 and not (limited and #jobs >= wanted)
return {DONE, jobs, waiting, ready and 1 or 0, due, time_text}
