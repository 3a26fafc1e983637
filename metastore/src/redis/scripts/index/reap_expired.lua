-- Removes items that have expired from all indexes and sorted sets.
--
-- KEYS  1 index  2 … sorted sets that may hold the ids
-- ARGV  1 address
-- Returns
--       {DONE, '1' if there may be more}

return {DONE, reap_expired(ARGV[1], 2) and '1' or '0'}
