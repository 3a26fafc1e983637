-- The removal of versions that the retention of a collection does not keep.

-- The number of the oldest version that may exist. It is kept at `trimmed_key` once versions have
-- been removed, as long as the item lives; a number that cannot be right was left by an earlier
-- item.
local function oldest_version(at, id, current)
  local oldest = number_in(redis.pcall('GET', trimmed_key(at, id)), 1)
  return oldest >= 1 and oldest <= current and oldest or 1
end

local function set_oldest_version(at, id, oldest)
  local left = redis.call('PTTL', latest_key(at, id))
  if left > 0 then
    redis.call('SET', trimmed_key(at, id), whole(oldest), 'PX', whole(left))
  else
    redis.call('SET', trimmed_key(at, id), whole(oldest))
  end
end

-- Removes the versions of an item that its retention does not keep: at most `limit`, the oldest
-- first and never the current one, so that the versions that are left have no gap. `keep` is how
-- many versions are kept, the current one included; `keep_for` is how long one is kept after it is
-- superseded, in ms; '' sets no bound. Returns how many were removed, and whether there may be
-- more.
local function trim_versions(at, id, current, keep, keep_for, limit)
  local time = now()
  local oldest = oldest_version(at, id, current)
  if current == 2 then
    -- The first version that is superseded: a number that is there is an earlier item's.
    redis.call('UNLINK', trimmed_key(at, id))
    oldest = 1
  end
  local number, expired, commits = oldest, {}, {}
  while number < current and number - oldest < limit do
    local key = version_key(at, id, whole(number))
    local is_surplus = keep ~= '' and number <= current - keep
    if not is_surplus and keep_for == '' then
      break
    end
    local written, commit = written_at(key)
    if not is_surplus and written then
      local next = number + 1
      local superseded =
        written_at(next == current and latest_key(at, id) or version_key(at, id, whole(next)))
      if (superseded or written) > time - keep_for then
        break
      end
    end
    expired[#expired + 1] = key
    -- Its writer may still ask for the outcome.
    if written and written > time - COMMIT_LIFETIME then
      commits[#commits + 1] = commit
    end
    number = number + 1
  end
  -- Removed first, because a full server accepts the other writes only after that.
  local removed = #expired > 0 and redis.call('UNLINK', unpack(expired)) or 0
  keep_commits(at, commits)
  if number > 1 then
    set_oldest_version(at, id, number)
  end
  -- The version of a damaged document may be far too high: then none is left below it.
  local is_left = removed > 0
    or redis.call('EXISTS', version_key(at, id, whole(current - 1))) == 1
  return removed, number - oldest == limit and is_left
end
