-- Gives jobs to a worker: returns delayed jobs that are due and jobs of dead workers to the queue,
-- takes up to n waiting ones, and returns their documents in the same reply.
--
-- KEYS  1 jobs of the queue
-- ARGV  1 address  2 transformation  3 n  4 lease in ms  5 worker  6 channel of the worker
--       7 number of crashes after which a job is dead
--       8 flags: 'f' runs delayed jobs now, whatever their time; 'a' takes one job that may have
--       crashed a worker, because nothing else runs in this one
--       9 audit settings  10 audit fields
-- Returns
--       {DONE, jobs, waiting, ready, due, time, suspects, newer} three for each job: its text as
--       the queue has it now, see lib/job.lua, its id and its document;
--       how many are left waiting;
--       1 if some of them can be taken now; the time in ms until the next one may be due, -1 for
--       none; the time now, as `since` in ms; how many jobs wait until this worker runs nothing
--       else; how many were left to a newer version of this program

-- The bytes of documents after which a reply ends.
local MAX_BYTES = 4 * 1024 * 1024

local at, transformation, worker, channel = ARGV[1], ARGV[2], ARGV[5], ARGV[6]
local queue, context = queue_of(at, transformation), audit_context(at, ARGV[9], ARGV[10])
local wrong = wrong_queue(queue) or wrong_records(queue) or wrong_audit(context, '*')
if wrong then
  return wrong
end
local clock = redis.call('TIME')
local micros = tonumber(clock[2])
local time = tonumber(clock[1]) * 1000 + math.floor(micros / 1000)
local time_text, lease = whole(time), tonumber(ARGV[4])
local is_forwarded, is_alone = string.find(ARGV[8], 'f', 1, true), string.find(ARGV[8], 'a', 1, true)
local paused, max_running, rate_count, rate_ms, tokens, tokens_at, seen, isolated, isolator, timer_of =
  read_control(queue, 'paused', 'max_running', 'rate_count', 'rate_ms', 'tokens', 'tokens_at', 'seen',
    'isolated', 'isolator', 'timer_of')
set_control(queue, 'seen', time_text)

local delayed = queue_due_jobs(queue, time, is_forwarded)

-- What is done to a job whose lease has ended. Only a run that its worker has confirmed can have
-- crashed the worker, and only one that ran alone certainly has: the others that have been
-- confirmed run alone from now on.
local function take_back(id, text, is_confirmed)
  local job = parse_job(text)
  if not job or job.state ~= 'r' then
    if not job then
      dead_letter_damaged(queue, id, text, time)
    end
    return
  end
  local latest = latest_key(at, id)
  if is_confirmed and job.alone then
    local is_old = job.crashed_at and time - number_in(job.crashed_at, 0) > CRASH_LIFETIME
    job.crashes, job.crashed_at = (is_old and 0 or job.crashes) + 1, time_text
  end
  job.worker, job.channel, job.progress, job.alone = nil, nil, nil, nil
  if is_confirmed and job.crashes >= tonumber(ARGV[7]) then
    local version, origin, deadline = item_of(latest)
    local message = 'the worker stopped or froze while it ran this job, ' .. job.crashes .. ' times'
    if version then
      dead_letter(queue, id, job, message, origin, deadline, time)
      queue.dead_letters = queue.dead_letters or {}
      queue.dead_letters[#queue.dead_letters + 1] = {id, job.source, job.job, message}
    else
      save_job(queue, id, false)
    end
    return
  end
  job.state, job.since, job.confirm_first = 'q', time_text, '1'
  save_job(queue, id, format_job(job))
  -- It has waited longest, so it is first.
  local list = is_confirmed and queue.suspects or list_of(queue, job.priority)
  redis.call('LPUSH', list, id)
  queue.has_jobs = true
end

-- The leases that have ended. After a time in which nobody was served, such as a freeze of the
-- server or a step of its clock, each of them lasts for the time of one renewal more, once.
local first_lease = redis.call('ZRANGE', queue.leased, 0, 0, 'WITHSCORES')
local lease_due = tonumber(first_lease[2] or 'nan')
local taken_back = {}
local function end_leases()
  local gap = time - number_in(seen, time)
  if gap < -1000 then
    -- The clock was set back. Leases that were given before it would last too long.
    local leases = redis.call('ZRANGE', queue.leased, 0, 999, 'WITHSCORES')
    for number = 1, #leases, 2 do
      add_member(queue, queue.leased, leases[number], string.format('%.2f', tonumber(leases[number + 1]) + gap))
    end
    lease_due = lease_due + gap
    return
  elseif lease_due > time then
    return
  end
  local was_unserved = gap > lease / 3
  local leases = redis.call('ZRANGEBYSCORE', queue.leased, '-inf', time_text, 'WITHSCORES', 'LIMIT', 0,
    was_unserved and 1000 or 100)
  local ids = {}
  for number = 1, #leases, 2 do
    ids[#ids + 1] = string.match(leases[number], '^(.*) %d+$') or leases[number]
  end
  read_jobs(queue, ids)
  for number, id in ipairs(ids) do
    local member, text = leases[2 * number - 1], live_job(queue, id)
    -- The half of a millisecond says that the run is confirmed, the quarter that the lease was
    -- prolonged.
    local fraction = tonumber(leases[2 * number]) % 1
    local job, is_newer = parse_job(text or '')
    if was_unserved and job and fraction % 0.5 == 0 then
      add_member(queue, queue.leased, member,
        string.format('%.2f', math.floor(time + lease / 3) + fraction + 0.25))
    elseif not is_newer then
      remove_member(queue, queue.leased, member)
      taken_back[#taken_back + 1] = id
      -- The lease of an earlier run may be left, but a running job without a lease would never end.
      local is_other = job and (job.state ~= 'r' or lease_of(id, job.fence) ~= member
        and redis.call('ZMSCORE', queue.leased, lease_of(id, job.fence))[1])
      if text and not is_other then
        take_back(id, text, fraction >= 0.5)
      end
    end
  end
  lease_due = nil
end
if first_lease[1] then
  end_leases()
end
if next(queue.saved) or next(queue.add) or next(queue.remove) then
  -- Written first, so that what was moved can be taken now.
  flush(queue, true)
  queue.saved, queue.pushed, queue.add, queue.remove = {}, {}, {}, {}
  queue.records, queue.expiring, queue.gone = {}, {}, {}
  queue.settings, queue.seq_before, queue.stale_before = {}, queue.seq, queue.stale
  queue.found = {}
  for _, entry in ipairs(queue.dead_letters or {}) do
    -- A foreign key of one item must not stop the whole queue.
    if not wrong_audit(context, entry[1]) then
      audit(context, entry[1], 'fail', tonumber(entry[2]), entry[3], 'transformation', transformation, 'error', entry[4])
    end
  end
  publish_changes(queue, taken_back)
end

-- How many may be taken: none of a paused queue, and no more than its limits allow.
local wanted, due, is_limited = tonumber(ARGV[3]), -1, false
local function set_due(ms)
  ms = math.max(0, math.ceil(ms))
  if due < 0 or ms < due then
    due = ms
  end
end
local function limit(number)
  if number < wanted then
    wanted, is_limited = math.max(0, number), true
  end
end
local asked = wanted
if paused then
  limit(0)
end
if max_running then
  limit(number_in(max_running, wanted) - redis.call('ZCARD', queue.leased))
end
local per_ms
local count, span = number_in(rate_count, 0), number_in(rate_ms, 0)
if count > 0 and span > 0 then
  per_ms = count / span
  local left = tokens and string.find(tokens, '^-?%d+%.?%d*$') and tonumber(tokens)
  tokens = math.min(count, (left or count) + math.max(0, time - number_in(tokens_at, 0)) * per_ms)
  limit(math.floor(tokens))
end

-- Jobs that may have crashed a worker run alone. One worker at a time empties itself for them.
local suspects, lengths, is_mine = redis.call('LLEN', queue.suspects), {}, false
if suspects > 0 then
  is_mine = not isolated or isolator == channel or number_in(isolated, 0) <= time
    or number_in(isolated, 0) > time + 10 * lease
  if is_mine and not paused then
    set_control(queue, 'isolated', whole(time + 2 * lease))
    set_control(queue, 'isolator', channel)
  end
end
local waiting = 0
for number, part in ipairs(PRIORITIES) do
  lengths[number] = redis.call('LLEN', queue[part])
  waiting = waiting + lengths[number]
end

-- How many to take from each list. Of 16 turns, 11 begin with the high priority, 4 with the normal
-- one and one with the low one, so that no job waits for ever. The clock decides with which turn a
-- call begins.
local ORDERS = {high = {1, 2, 3}, waiting = {2, 1, 3}, low = {3, 1, 2}}
local turn = 0
local function shares(number)
  local share = {0, 0, 0}
  if lengths[1] == 0 and lengths[3] == 0 then
    share[2] = math.min(number, lengths[2])
    return share
  end
  for _ = 1, number do
    turn = turn + 1
    local slot = (micros + turn) % 16
    for _, list in ipairs(slot == 15 and ORDERS.low or slot >= 11 and ORDERS.waiting or ORDERS.high) do
      if lengths[list] > share[list] then
        share[list] = share[list] + 1
        break
      end
    end
  end
  return share
end

local jobs, taken, bytes, newer, largest = {}, 0, 0, 0, 1
local leased_until = whole(time + lease)
local dropped, from_list = {}, {}

-- What the texts of the jobs that this call starts end with, but for those with further fields.
local run_fields = ' ' .. time_text .. 'w' .. #worker .. ':' .. worker .. 'c' .. #channel .. ':' .. channel
-- The jobs that have been started, with their leases.
local started, leases = {}, {}

local function add_job(id, document, text, fence)
  -- An id may be in the lists twice.
  queue.found[id] = text
  local last = #started
  started[last + 1], started[last + 2] = id, text
  leases[last + 1], leases[last + 2] = leased_until, lease_of(id, fence)
  last = #jobs
  jobs[last + 1], jobs[last + 2], jobs[last + 3] = text, id, document
  taken = taken + 1
  bytes = bytes + #document
  if #document > largest then
    largest = #document
  end
end

local function start_any(id, text, document)
  local job, is_newer = parse_job(text or '')
  if is_newer then
    newer = newer + 1
    push(queue, from_list[id], id)
    return
  elseif text and not job then
    dead_letter_damaged(queue, id, text, time)
    dropped[#dropped + 1] = id
    return
  elseif not job or job.state == 'x' then
    queue.stale = queue.stale - 1
    if job and from_list[id] == list_of(queue, job.priority) then
      save_job(queue, id, false)
    end
    return
  elseif job.state ~= 'q' or not (is_alone or from_list[id] == list_of(queue, job.priority)) then
    queue.stale = queue.stale - 1
    return
  end
  -- Text that is not a document is returned, too: the reader can say what is wrong with it.
  local version, origin, _
  if document then
    version, _, origin = header_in(document)
  end
  if not document or version and job.origin ~= short_origin(origin) then
    save_job(queue, id, false)
    dropped[#dropped + 1] = id
    return
  end
  job.state, job.fence, job.source, job.started = 'r', whole(next_number(queue)), whole(version or 0), time_text
  job.worker, job.channel, job.alone = worker, channel, is_alone and '1' or nil
  add_job(id, document, format_job(job), job.fence)
end

-- Starts the job of an id. Most jobs have never run, and their documents are written by this
-- library: they need no table.
local function start(id, text, document, list)
  if text and document and list == queue[LISTS[string.sub(text, 3, 3)]] and is_first_run(text) then
    local version, commit, at =
      string.match(document, '^{"version":([1-9]%d*),"id":"[^"]*","commit":"([^"]*)"()')
    local origin = version and string.match(document, '^,"origin":"([^"]*)"', at) or commit
    if origin and #version < 15 and string.sub(origin, -8) == string.sub(text, -8) then
      local fence = next_number(queue) .. ''
      add_job(id, document, '2r' .. string.sub(text, 3) .. ' ' .. fence .. ' 0 0 0 ' .. version .. run_fields, fence)
      return
    end
  end
  from_list[id] = list
  start_any(id, text, document)
end

-- Pops ids, and starts their jobs.
local function take(list, number)
  local ids = redis.call('LPOP', list, number)
  if not ids then
    return
  end
  local keys = {}
  for position, id in ipairs(ids) do
    keys[position] = latest_key(at, id)
  end
  read_jobs(queue, ids)
  local documents = redis.call('MGET', unpack(keys))
  for position, id in ipairs(ids) do
    start(id, live_job(queue, id), documents[position], list)
  end
end

if is_alone then
  wanted = math.min(wanted, 1)
  while is_mine and suspects > 0 and taken < wanted do
    take(queue.suspects, 1)
    suspects = suspects - 1
  end
else
  -- Ids without a live job are skipped. How many of them is bounded, too.
  local skippable = 100
  while taken < wanted and bytes < MAX_BYTES and skippable > 0 do
    -- The first documents show how many more can be read without a too large reply.
    local step = taken == 0 and 1 or math.max(1, math.floor((MAX_BYTES - bytes) / (2 * largest)))
    local before, total = taken, 0
    for list, number in ipairs(shares(math.min(step, wanted - taken))) do
      if number > 0 then
        take(queue[PRIORITIES[list]], number)
        lengths[list] = lengths[list] - number
        total = total + number
      end
    end
    if total == 0 then
      break
    end
    skippable = skippable - (total - (taken - before))
  end
end

waiting = math.max(0, lengths[1] + lengths[2] + lengths[3] + newer)
if waiting == 0 and suspects == 0 and newer == 0 then
  -- No id is left without a job.
  queue.stale = 0
end
if per_ms and tokens then
  tokens = tokens - taken
  set_control(queue, 'tokens', string.format('%.6f', tokens))
  set_control(queue, 'tokens_at', time_text)
  if waiting > 0 and tokens < 1 then
    set_due((1 - tokens) / per_ms)
  end
end
local first_due = delayed > 0 and next_due(queue, time)
if first_due then
  set_due(first_due)
end
if first_lease[1] then
  if not lease_due then
    lease_due = tonumber(redis.call('ZRANGE', queue.leased, 0, 0, 'WITHSCORES')[2] or time + lease)
  end
  set_due(lease_due - time)
end
if taken > 0 then
  set_due(lease)
end
local ready = waiting > newer and not (is_limited and taken >= wanted) and not (newer > 0 and taken == 0)
-- A worker is told when there is more, unless it will ask again at once. One of those that are told
-- waits until the next time at which a job is due.
if (taken < asked or not ready) and not is_alone then
  add_member(queue, queue.idle, channel, time_text)
  if due >= 0 and (timer_of == channel or queue.timer <= time or queue.timer > time + due) then
    set_control(queue, 'timer', whole(time + due))
    set_control(queue, 'timer_of', channel)
  elseif due >= 0 then
    due = math.max(due, lease)
  end
end
-- Another worker is told if this one has no room for the rest.
queue.has_jobs = true
call_in_steps('HSET', queue.jobs, started, 400)
call_in_steps('ZADD', queue.leased, leases, 400)
flush(queue, not (ready and taken >= asked))
if #dropped > 0 then
  publish_changes(queue, dropped)
end
return {DONE, jobs, math.max(0, waiting - math.max(0, queue.stale)), ready and 1 or 0, due, time_text, is_mine and not paused and suspects or 0, newer}
