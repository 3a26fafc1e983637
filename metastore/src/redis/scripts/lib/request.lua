-- Requests of jobs. There is at most one live job of an item for each transformation.

-- Requests a run on this version of an item with this origin, whose live job has been read.
-- `options`: delay, priority, timeout, trace, and `again` if a run on this very version is not
-- enough. Returns 1 and a new job, its number, and whether it was requested by this call and not by
-- an earlier one with the same id; or 2 and the live job that is enough, with its number: it waits,
-- or it runs on this version; or WRONG_TYPE if the record holds another type of value.
local function request_job(queue, id, job, version, origin, options, time)
  local record = record_of(record_key(queue.at, id, queue.transformation))
  if not record then
    return WRONG_TYPE, job, '0'
  end
  local text = live_job(queue, id)
  local live, is_newer
  if text then
    live, is_newer = parse_job(text)
    if is_newer then
      return 2, string.match(text, '^%d+%l+ (%w+)') or '', '0'
    end
  end
  for _, ended in ipairs({record.last or {}, record.ended or {}}) do
    if ended.job == job then
      return 1, job, ended.seq
    end
  end
  local after = live and parse_next(live.next)
  if live and live.job == job and live.state ~= 'x' then
    return 1, job, live.seq
  elseif after and after.job == job then
    return 1, job, after.seq
  end
  if live and live.state ~= 'x' and live.origin ~= short_origin(origin) then
    -- The job of an earlier item with the id, which a program has deleted that does not know the
    -- transformation.
    drop_job(queue, id, live)
    live = live.state == 'x' and live or nil
  end
  local delay, wanted = options.delay or 0, RANK[options.priority] and options.priority or 'n'
  local state = live and live.state
  if state == 'q' or state == 'd' then
    local is_more_urgent = RANK[wanted] < RANK[live.priority]
    if is_more_urgent then
      live.priority = wanted
    end
    if state == 'q' and is_more_urgent then
      -- Its id stays in the first list, too.
      queue.stale = queue.stale + 1
      push(queue, list_of(queue, wanted), id)
      save_job(queue, id, format_job(live))
    elseif state == 'd' and delay == 0 and live.attempts == 0 and not live.message then
      -- A request without a delay ends the delay of an earlier one, but not the pause after a
      -- failure.
      remove_member(queue, queue.delayed, id)
      place(queue, id, live, 0, time)
    elseif state == 'd' and is_more_urgent then
      add_member(queue, queue.delayed, id, whole(due_score(wanted, tonumber(live.since))))
      save_job(queue, id, format_job(live))
    end
    return 2, live.job, live.seq
  end
  if state == 'r' then
    if after then
      return 2, after.job, after.seq
    end
    if tonumber(live.source) >= version and not options.again and delay == 0 then
      return 2, live.job, live.seq
    end
    -- It runs on an older version, or another run is wanted: once more afterwards.
    local seq = whole(next_number(queue))
    live.next = table.concat({job, seq, whole(delay), wanted, options.timeout or '', options.trace or ''}, ' ')
    save_job(queue, id, format_job(live))
    return 1, job, seq, true
  end
  local new = new_job(queue, job, origin, options, time)
  if state == 'x' and delay == 0 and live.priority == new.priority then
    -- Its id is in the list already.
    queue.stale, queue.has_jobs = queue.stale - 1, true
    save_job(queue, id, format_job(new))
  else
    place(queue, id, new, delay, time)
  end
  if record.ended and record.ended.state == 'dead' then
    remove_member(queue, queue.dead, id)
  end
  return 1, job, new.seq, true
end
