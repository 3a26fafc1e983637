-- Finds members of one index of values that no record of entries has, and removes them if asked to.
--
-- KEYS  1 index
-- ARGV  1 address  2 segment  3 '1' to remove  4 member after which to begin, '' for the beginning
-- Returns
--       {DONE, number of orphans, last member that was read, '1' if there may be more}

local at, segment = ARGV[1], ARGV[2]
local read = segment_key(at, segment)
local from = ARGV[4] == '' and '-' or '(' .. ARGV[4]
local members = redis.call('ZRANGEBYLEX', read, from, '+', 'LIMIT', 0, 500)
local orphans, last = 0, ''
for _, member in ipairs(members) do
  local _, id = parse_member(member)
  local record = id and redis.call('HGET', entries_key(at), id)
  if not (record and has_entry(record, segment, member)) then
    orphans = orphans + 1
    if ARGV[3] == '1' then
      redis.call('ZREM', read, member)
    end
  end
  last = member
  if entry_bytes > MAX_ENTRY_BYTES then
    return {DONE, orphans, last, '1'}
  end
end
return {DONE, orphans, last, #members == 500 and '1' or '0'}
