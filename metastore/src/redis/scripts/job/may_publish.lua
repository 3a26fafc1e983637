-- Says whether the user may publish, without doing so.
--
-- KEYS  1 any key of the collection
-- ARGV  channels
-- Gives {1, '1' if all of them are allowed, or '0'}.

for _, channel in ipairs(ARGV) do
  if redis.acl_check_cmd and not redis.acl_check_cmd('PUBLISH', channel, '') then
    return {1, '0'}
  end
end
return {1, '1'}
