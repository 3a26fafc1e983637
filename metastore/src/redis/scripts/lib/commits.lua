-- The ids of commits whose outcome can no longer be found in the documents, for callers whose reply
-- was lost.

-- How long the id of a commit is kept after what it wrote is removed, in ms.
local COMMIT_LIFETIME = 120000

-- How far the time of a write may be from the server's, in ms. A write that is delivered after its
-- commit id has been removed is refused, because this is less than COMMIT_LIFETIME.
local MAX_SKEW = 60000

-- The reply for a write whose time is too far from the server's; nil if it is near enough.
local function clock_skew(issued)
  local time = now()
  if math.abs(time - tonumber(issued)) > MAX_SKEW then
    return {CLOCK_SKEW, whole(time)}
  end
end

-- What is kept of a commit: 'removed' if it was applied and what it wrote has been removed since,
-- 'refused' if it was refused.
local function commit_outcome(at, commit)
  local found = redis.call('ZMSCORE', commits_key(at), commit, '!' .. commit)
  return found[1] and 'removed' or found[2] and 'refused'
end

-- Keeps the ids of commits whose work is being removed.
local function keep_commits(at, commits)
  if #commits == 0 then
    return
  end
  local key, time = commits_key(at), now()
  redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(time - COMMIT_LIFETIME))
  for first = 1, #commits, 500 do
    local members = {}
    for position = first, math.min(first + 499, #commits) do
      members[#members + 1] = whole(time)
      members[#members + 1] = commits[position]
    end
    redis.call('ZADD', key, unpack(members))
  end
  redis.call('PEXPIRE', key, COMMIT_LIFETIME)
end

-- Refuses a commit, also if the network delivers it once more. Returns the reply, and no more than
-- that where nothing can be written.
local function refuse_commit(at, commit, reply)
  pcall(keep_commits, at, {'!' .. commit})
  return reply
end

-- The error if commit ids cannot be kept.
local function wrong_commits(at)
  local key = commits_key(at)
  return wrong_type(key, 'zset') or forbidden(key, 'ZREMRANGEBYSCORE', 'PEXPIRE')
end
