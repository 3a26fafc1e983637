-- Stores the result of a mutation with the version that it was computed from.
--
-- KEYS  1 latest  2 mutation  3 audit trail  4 index  5 ids of the items that have a result of the mutation
-- ARGV  1 source version  2 commit of the source version
--       3 result, beginning with {"version":N,"commit":"…","origin":"…",
--       4 commit  5 audit, packed  6 actor  7 name of the mutation  8 id  9 origin of the item
-- Gives {1} stored, now or by an earlier run, or a result is stored already that is of a later version
--       or of a later commit; {-1} the item is gone; {-2} the key does not hold a document.

local version, commit = head_of(KEYS[1])
if version == nil then
  return {-1}
end
if version == false then
  return {-2}
end
local source = tonumber(ARGV[1])
local _, origin = item_of(KEYS[1])
-- An item with another origin is another item with the id.
if origin ~= ARGV[9] or version < source or (version == source and commit ~= ARGV[2]) then
  return {-1}
end
local stored, earlier, of = string.match(redis.call('GETRANGE', KEYS[2], 0, 127),
  '^{"version":(%d+),"commit":"(%w+)","origin":"([^"]*)"')
stored = number_in(stored, 0)
-- Commit ids sort by time. A result of an earlier item counts for nothing.
if of == origin and (stored > source or (stored == source and earlier >= ARGV[4])) then
  return {1}
end
local wrong = forbidden(KEYS[2], 'SET') or wrong_audit(ARGV[5], KEYS[3]) or wrong_type(KEYS[4], 'zset')
  or wrong_type(KEYS[5], 'zset')
if wrong then
  return wrong
end

local left = redis.call('PTTL', KEYS[1])
-- In the order of the index.
local score = redis.call('ZSCORE', KEYS[4], ARGV[8]) or whole(now())
if left > 0 then
  redis.call('SET', KEYS[2], ARGV[3], 'PX', left)
else
  redis.call('SET', KEYS[2], ARGV[3])
end
redis.call('ZADD', KEYS[5], score, ARGV[8])
audit(ARGV[5], KEYS[3], 'materialize', source, ARGV[4], ARGV[6], 'mutation', ARGV[7])
return {1}
