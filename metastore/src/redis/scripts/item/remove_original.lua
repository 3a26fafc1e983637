-- Removes a key whose document was imported, if the item exists and the key still holds what was
-- read.
--
-- KEYS  1 the original  2 latest
-- ARGV  1 the text that was read  2 the command that reads it: GET or JSON.GET
-- Returns
--       {DONE} removed, by this call or earlier
--       {CONFLICT} the key holds something else
--       {NOT_FOUND} there is no such item

if redis.call('EXISTS', KEYS[2]) == 0 then
  return {NOT_FOUND}
end
local text = redis.call(ARGV[2], KEYS[1])
if text and text ~= ARGV[1] then
  return {CONFLICT}
end
redis.call('UNLINK', KEYS[1])
return {DONE}
