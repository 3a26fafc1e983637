-- Removes the versions of an item that its retention lets go, without writing the item.
--
-- KEYS  1 latest  2 the oldest version that retention has left  3 index
-- ARGV  1 what version keys begin with  2 how many versions to keep  3 for how many ms to keep a
--       superseded one; 2 and 3 are '' for no bound
-- Gives {1, removed, more}: `more` is 1 if there may be more to remove, call again then;
--       {-1} no such item; {-2} the key does not hold a document.

local version = head_of(KEYS[1])
if version == nil then
  return {-1}
end
if version == false then
  return {-2}
end
local wrong = wrong_commits(KEYS[3]) or forbidden(ARGV[1] .. '1', 'UNLINK')
  or forbidden(KEYS[2], 'GET', 'SET', 'UNLINK')
if wrong then
  return wrong
end
local removed, more = trim(KEYS[3], KEYS[1], version, KEYS[2], ARGV[1], ARGV[2], ARGV[3], 1000)
return {1, removed, more and 1 or 0}
