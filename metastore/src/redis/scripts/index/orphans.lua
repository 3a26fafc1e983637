-- Looks through one index of a field for entries that no item knows of, and removes them if asked to.
--
-- KEYS  1 index
-- ARGV  1 name of the index  2 '1' to remove  3 member to go on behind, '' for the beginning
-- Gives {1, number of orphans, last member looked at, '1' if there may be more}.

local index, name = KEYS[1], ARGV[1]
local walked = index .. ':' .. name
local from = ARGV[3] == '' and '-' or '(' .. ARGV[3]
local members = redis.call('ZRANGEBYLEX', walked, from, '+', 'LIMIT', 0, 500)
local orphans, last = 0, ''
for _, member in ipairs(members) do
  local _, id = parts_of(member)
  local entries = id and redis.call('HGET', index .. ':entries', id)
  if not (entries and has_entry(entries, name, member)) then
    orphans = orphans + 1
    if ARGV[2] == '1' then
      redis.call('ZREM', walked, member)
    end
  end
  last = member
  if entry_bytes > MAX_ENTRY_BYTES then
    return {1, orphans, last, '1'}
  end
end
return {1, orphans, last, #members == 500 and '1' or '0'}
