-- Removes ids from the indexes whose items a reader found missing, if they still are.
--
-- KEYS  1 index  2 expiry index  3 … the latest keys of the ids
-- ARGV  the ids, in the order of their keys
-- Gives {1, number removed}.

local removed = 0
for position, id in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[position + 2]) == 0 then
    removed = removed + redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', KEYS[2], id)
  end
end
return {1, removed}
