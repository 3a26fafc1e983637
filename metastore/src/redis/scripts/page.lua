-- A page of ids in order of creation, without those whose deadline has passed. Removes up to 1,000
-- passed ones from the indexes on the way.
--
-- KEYS  1 index  2 expiry index
-- ARGV  1 offset  2 limit  3 '1' for newest first
-- Gives {1, ids} or {0}: more than 1,000 had passed, ask again.

local passed = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', whole(now()), 'LIMIT', 0, 1000)
if #passed > 0 then
  redis.call('ZREM', KEYS[1], unpack(passed))
  redis.call('ZREM', KEYS[2], unpack(passed))
  if #passed == 1000 then
    return {0}
  end
end
local first = tonumber(ARGV[1])
local last = first + tonumber(ARGV[2]) - 1
local command = ARGV[3] == '1' and 'ZREVRANGE' or 'ZRANGE'
return {1, redis.call(command, KEYS[1], whole(first), whole(last))}
