-- Sets or removes settings of a queue. Workers apply them from their next poll on.
--
-- KEYS  1 control
-- ARGV  1 address  2 transformation  3 … field and value, '' to remove it
-- Returns
--       {DONE}

local wrong = wrong_type(KEYS[1], 'hash')
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
redis.pcall('PUBLISH', wake_channel(ARGV[1], ARGV[2]), '')
return {DONE}
