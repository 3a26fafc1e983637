-- Hands jobs to a worker: brings back what is due and what a dead worker held, pops up to n ids, and
-- gives their documents in the same reply.
--
-- KEYS  1 waiting  2 delayed  3 leased  4 dead
-- ARGV  1 what item keys begin with  2 what records end with  3 what latest keys end with
--       4 n  5 lease in ms  6 worker  7 number of crashes after which a job is dead
-- The keys of an item are built from its id, which only this script knows in time.
-- Gives {1, jobs, waiting, due}: each job is {id, job, fence, attempts, crashes, document}; how many
--       are left waiting; the time in ms until the next delayed or leased one is due, -1 for none.

local prefix, record_suffix, latest_suffix = ARGV[1], ARGV[2], ARGV[3]
local time = now()

for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', whole(time), 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[2], id)
  local record = prefix .. id .. record_suffix
  if redis.call('HGET', record, 'state') == 'delayed' then
    redis.call('HSET', record, 'state', 'queued')
    redis.call('RPUSH', KEYS[1], id)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', whole(time), 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[3], id)
  local record = prefix .. id .. record_suffix
  if redis.call('HGET', record, 'state') == 'running' then
    local crashes = redis.call('HINCRBY', record, 'crashes', 1)
    if crashes >= tonumber(ARGV[7]) then
      redis.call('HSET', record, 'state', 'dead', 'finished', whole(time),
        'error', 'the worker stopped or froze while it ran this job, ' .. whole(crashes) .. ' times')
      redis.call('ZADD', KEYS[4], time, id)
      redis.call('PUBLISH', record, '')
    else
      redis.call('HSET', record, 'state', 'queued')
      -- It has waited longest, so it goes first.
      redis.call('LPUSH', KEYS[1], id)
    end
  end
end

local jobs = {}
local wanted = tonumber(ARGV[4])
-- Ids without a live job are left behind by deletions; passing them is bounded too.
for _ = 1, wanted + 100 do
  if #jobs >= wanted then
    break
  end
  local id = redis.call('LPOP', KEYS[1])
  if not id then
    break
  end
  local record = prefix .. id .. record_suffix
  local found = redis.call('HMGET', record, 'job', 'state', 'attempts', 'crashes')
  if found[2] == 'queued' then
    local latest = prefix .. id .. latest_suffix
    local version = head_of(latest)
    -- What is no document is handed out too: its reader can say what is wrong with it.
    if version ~= nil then
      local fence = redis.call('HINCRBY', record, 'fence', 1)
      redis.call('HSET', record, 'state', 'running', 'source', whole(version or 0), 'worker', ARGV[6],
        'started', whole(time))
      redis.call('ZADD', KEYS[3], whole(time + tonumber(ARGV[5])), id)
      jobs[#jobs + 1] = {id, found[1], fence, found[3] or '0', found[4] or '0',
        redis.call('GET', latest)}
    else
      redis.call('DEL', record)
      redis.call('PUBLISH', record, '')
    end
  end
end

local due = -1
for _, key in ipairs({KEYS[2], KEYS[3]}) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] then
    local left = math.max(0, tonumber(first[2]) - time)
    if due < 0 or left < due then
      due = left
    end
  end
end
return {1, jobs, redis.call('LLEN', KEYS[1]), due}
