#!lua flags=allow-oom
-- Renews the leases of a worker's jobs, of all its queues in one call. The first renewal of a job
-- confirms that its worker runs it. Succeeds on a full server, because it changes scores and one
-- time.
--
-- KEYS  for each queue: its leased jobs, its control hash
-- ARGV  1 lease in ms, then for each queue the number of its leases, and each
-- Returns
--       {DONE, held} for each lease in turn 1, or 0 if the worker no longer has it

for number = 1, #KEYS, 2 do
  local wrong = wrong_type(KEYS[number], 'zset') or wrong_type(KEYS[number + 1], 'hash')
  if wrong then
    return wrong
  end
end
local time = now()
-- Half a millisecond says that the run is confirmed.
local deadline = whole(time + tonumber(ARGV[1])) .. '.5'
local held, position = {}, 2
for number = 1, #KEYS, 2 do
  local last = position + tonumber(ARGV[position])
  for first = position + 1, last, 400 do
    local members, scores = {}, {}
    for at = first, math.min(first + 399, last) do
      members[#members + 1] = ARGV[at]
    end
    for at, score in ipairs(redis.call('ZMSCORE', KEYS[number], unpack(members))) do
      held[#held + 1] = score and 1 or 0
      if score then
        scores[#scores + 1] = deadline
        scores[#scores + 1] = members[at]
      end
    end
    if #scores > 0 then
      redis.call('ZADD', KEYS[number], unpack(scores))
    end
  end
  redis.call('HSET', KEYS[number + 1], 'seen', whole(time))
  position = last + 1
end
return {DONE, held}
