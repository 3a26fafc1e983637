-- Gives an item another deadline, and what is derived from it. Writes no version.
--
-- KEYS  1 latest  2 index
-- ARGV  1 id  2 what the item's keys begin with  3 new deadline, '' for none  4 time of the write
--       5 and 6 version and commit that the item must be at, '' for any
--       7 … keys of what is derived from the item
-- Gives {1} done; {0, version} it is at another version; {-1} no such item; {-2} the key does not hold a
--       document; {-8, time} the time of the write is too far from the server's.

local version, commit = head_of(KEYS[1])
if version == nil then
  return {-1}
elseif version == false then
  return {-2}
elseif ARGV[5] ~= '' and (version ~= tonumber(ARGV[5]) or commit ~= ARGV[6]) then
  return {0, version}
end
local late = untimely(ARGV[4])
if late then
  return late
end
local wrong = wrong_type(KEYS[2] .. ':expiry', 'zset')
  or forbidden(KEYS[1], 'SET', 'SETRANGE', 'PEXPIREAT', 'PERSIST')
  or forbidden(ARGV[2] .. ':version:1', 'PTTL', 'PEXPIREAT', 'PERSIST')
  or forbidden(ARGV[2] .. ':trimmed', 'PEXPIREAT', 'PERSIST')
for position = 7, #ARGV do
  wrong = wrong or forbidden(ARGV[position], 'HMGET', 'PEXPIREAT', 'PERSIST')
end
if wrong then
  return wrong
end
refuse_if_full(KEYS[1])
item_until(KEYS[2], ARGV[1], ARGV[2], version, ARGV[3])
for position = 7, #ARGV do
  derived_until(ARGV[position], ARGV[3])
end
return {1}
