-- Sets or removes settings of a queue, which hold for all workers from their next look on.
--
-- KEYS  1 control
-- ARGV  1 wake channel  2 … field and value, '' to remove it
-- Gives {1}.

local wrong = wrong_type(KEYS[1], 'hash')
if wrong then
  return wrong
end
for position = 2, #ARGV, 2 do
  if ARGV[position + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[position])
  else
    redis.call('HSET', KEYS[1], ARGV[position], ARGV[position + 1])
  end
end
redis.pcall('PUBLISH', ARGV[1], '')
return {1}
