-- Writes the next version of a document, if the current one is the expected one, which becomes a
-- key of its own.
--
-- KEYS  1 latest  2 key of the expected version
-- ARGV  1 first bytes of the expected version  2 document
-- Returns 1 written; 0 the current version is another one, or there is none.

if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then
  return 0
end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('SET', KEYS[1], ARGV[2])
return 1
