-- Removes the versions of an item that its retention does not keep, without writing the item.
--
-- KEYS  1 latest  2 number of the oldest version  3 index
-- ARGV  1 address  2 id  3 how many versions to keep  4 for how many ms to keep a superseded one; 3
--       and 4 are '' for no bound
-- Returns
--       {DONE, removed, more} `more` is 1 if there may be more to remove: call again
--       {NOT_FOUND}
--       {NOT_A_DOCUMENT}

local at, id = ARGV[1], ARGV[2]
local version, refusal = header_of(KEYS[1])
if not version then
  return no_document(version, refusal)
end
local wrong = wrong_commits(at) or forbidden(version_key(at, id, '1'), 'UNLINK')
  or forbidden(KEYS[2], 'GET', 'SET', 'UNLINK')
if wrong then
  return wrong
end
local removed, more = trim_versions(at, id, version, ARGV[3], ARGV[4], 1000)
return {DONE, removed, more and 1 or 0}
