-- Checks whether the user may publish the changes of a queue and of its jobs, without publishing.
--
-- KEYS  1 jobs of the queue
-- ARGV  1 address  2 transformation
-- Returns
--       {DONE, '1'} the user may publish; '0' otherwise

local at, transformation = ARGV[1], ARGV[2]
local is_refused = may_not_publish(wake_channel(at, transformation, '*'))
  or may_not_publish(cancel_channel(at, transformation, '*'))
  or may_not_publish(changes_channel(at, transformation))
return {DONE, is_refused and '0' or '1'}
