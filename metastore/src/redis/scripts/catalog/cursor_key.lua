-- Returns the key that authenticates cursors; stores one if there is none yet.
--
-- KEYS  1 cursor key
-- ARGV  1 a new key
-- Returns
--       {DONE, key}

local found = redis.call('GET', KEYS[1])
if not found then
  redis.call('SET', KEYS[1], ARGV[1])
  found = ARGV[1]
end
return {DONE, found}
