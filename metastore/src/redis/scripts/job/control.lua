-- Sets or removes settings of a queue. Workers apply them from their next call on.
--
-- KEYS  1 control
-- ARGV  1 address  2 transformation  3 … field and value, '' to remove it
-- Returns
--       {DONE}

local queue = queue_of(ARGV[1], ARGV[2])
local wrong = wrong_type(KEYS[1], 'hash') or wrong_type(queue.idle, 'zset') or forbidden(queue.idle, 'ZRANGE')
if wrong then
  return wrong
end
for position = 3, #ARGV, 2 do
  if ARGV[position + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[position])
  else
    redis.call('HSET', KEYS[1], ARGV[position], ARGV[position + 1])
  end
end
wake(queue)
return {DONE}
