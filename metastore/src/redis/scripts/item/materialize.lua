-- Stores the result of a mutation with the version that it was computed from.
--
-- KEYS  1 latest  2 mutation  3 audit trail  4 index  5 index of the items that have a result of
--       the mutation
-- ARGV  1 address  2 id  3 commit  4 source version  5 commit of the source version  6 origin of
--       the item
--       7 result, beginning with {"version":N,"commit":"…","origin":"…",
--       8 audit settings  9 audit fields  10 name of the mutation
-- Returns
--       {DONE} stored, by this call or by an earlier one; or a result of a later version, or of a
--       later commit, is stored already
--       {NOT_FOUND} the item does not exist, or is at an earlier version
--       {NOT_A_DOCUMENT}

local at, id, commit, source, origin = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[6]
local context = audit_context(at, ARGV[8], ARGV[9])
local version, last_commit, found_origin = header_of(KEYS[1])
if not version then
  return no_document(version, last_commit)
end
-- An item with another origin is another item with the id.
if origin ~= found_origin or version < source or (version == source and last_commit ~= ARGV[5]) then
  return {NOT_FOUND}
end
local stored, stored_commit, stored_origin = result_header_of(KEYS[2])
if type(stored_commit) == 'table' then
  return stored_commit
end
stored = number_in(stored, 0)
-- Commit ids sort by time. The result of an earlier item does not count.
if stored_origin == origin
  and (stored > source or (stored == source and stored_commit >= commit)) then
  return {DONE}
end
local wrong = forbidden(KEYS[2], 'SET') or wrong_audit(context, id) or wrong_type(KEYS[4], 'zset')
  or wrong_type(KEYS[5], 'zset')
if wrong then
  return wrong
end

local left = redis.call('PTTL', KEYS[1])
-- In the order of the index.
local score = redis.call('ZSCORE', KEYS[4], id) or whole(now())
if left > 0 then
  redis.call('SET', KEYS[2], ARGV[7], 'PX', left)
else
  redis.call('SET', KEYS[2], ARGV[7])
end
redis.call('ZADD', KEYS[5], score, id)
audit(context, id, 'materialize', source, commit, 'mutation', ARGV[10])
return {DONE}
