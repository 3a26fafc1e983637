-- Removes a key whose document was imported, if the item is there and the key still holds what was read.
--
-- KEYS  1 the original  2 latest
-- ARGV  1 the text that was read  2 the command that reads it: GET or JSON.GET
-- Gives {1} removed, now or earlier; {0} it holds something else by now; {-1} there is no such item.

if redis.call('EXISTS', KEYS[2]) == 0 then
  return {-1}
end
local text = redis.call(ARGV[2], KEYS[1])
if text and text ~= ARGV[1] then
  return {0}
end
redis.call('UNLINK', KEYS[1])
return {1}
