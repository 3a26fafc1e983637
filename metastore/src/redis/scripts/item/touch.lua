-- Gives an item another deadline, and what is derived from it. Writes no version.
--
-- KEYS  1 latest  2 index
-- ARGV  1 address  2 id  3 new deadline, '' for none  4 time of the write
--       5 and 6 version and commit that the item must be at, '' for any
--       7 segments of what can be derived from the item, separated by spaces
-- Returns
--       {DONE}
--       {CONFLICT, version} it is at another version
--       {NOT_FOUND}
--       {NOT_A_DOCUMENT}
--       {CLOCK_SKEW, time} with the server's time

local at, id, deadline = ARGV[1], ARGV[2], ARGV[3]
local version, commit = header_of(KEYS[1])
if not version then
  return no_document(version, commit)
elseif ARGV[5] ~= '' and (version ~= tonumber(ARGV[5]) or commit ~= ARGV[6]) then
  return {CONFLICT, version}
end
local skew = clock_skew(ARGV[4])
if skew then
  return skew
end
local wrong = wrong_type(expiry_key(at), 'zset')
  or forbidden(KEYS[1], 'SET', 'SETRANGE', 'PEXPIREAT', 'PERSIST')
  or forbidden(version_key(at, id, '1'), 'PTTL', 'PEXPIREAT', 'PERSIST')
  or forbidden(trimmed_key(at, id), 'PEXPIREAT', 'PERSIST')
for segment in string.gmatch(ARGV[7], '%S+') do
  wrong = wrong or forbidden(derived_key(at, id, segment), 'GETRANGE', 'PEXPIREAT', 'PERSIST')
end
if wrong then
  return wrong
end
refuse_if_full(KEYS[1])
expire_item_at(at, id, version, deadline)
for segment in string.gmatch(ARGV[7], '%S+') do
  expire_derived_at(at, id, segment, deadline)
end
return {DONE}
