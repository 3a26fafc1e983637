-- Forgets items whose deadline has passed: their index entries, and their ids wherever they stand.
--
-- KEYS  1 index  2 … sorted sets that may hold the ids
-- ARGV  none
-- Gives {1, '1' if there may be more}.

return {1, reap(KEYS[1], 2) and '1' or '0'}
