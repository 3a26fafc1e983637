-- Removes a collection from the catalog, and its app and domain if they have no other.
--
-- KEYS  1 domains  2 apps of the domain  3 collections of the app
-- ARGV  1 domain  2 app  3 name
-- Returns
--       {DONE}
--       {NOT_FOUND} it was not in the catalog

local wrong = wrong_type(KEYS[3], 'hash') or forbidden(KEYS[2], 'SREM')
  or forbidden(KEYS[1], 'SREM')
if wrong then
  return wrong
end
if redis.call('HDEL', KEYS[3], ARGV[3]) == 0 then
  return {NOT_FOUND}
end
if redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('SREM', KEYS[2], ARGV[2])
  if redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('SREM', KEYS[1], ARGV[1])
  end
end
return {DONE}
