-- Writes the audit entries of items that the transaction around it has created. Those of an item that
-- was not created, or has them already, are left out: what the network delivers twice is told once.
-- Uses nothing of common.lua, since each function there is made anew by each call; what it writes is what
-- `audit` there writes of a `create`.
--
-- KEYS  the sorted sets and then the hashes that index the items, then latest and trail of each item
-- ARGV  1 number of sorted sets  2 number of hashes  3 audit, packed, but for the id
--       4 … id, commit and actor of each item
-- Gives {1} done; {0} nothing: an index is of another type, so that not every item is whole, and each
--       is confirmed by `create`.

local call = redis.call
local sets, indexes = tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[2])
for position = 1, indexes do
  local found = call('TYPE', KEYS[position])['ok']
  if found ~= 'none' and found ~= (position <= sets and 'zset' or 'hash') then
    return {0}
  end
end
local feed, scratch, _, feed_length, life = string.match(ARGV[3], '^(%S+) (%S+) (%d+) (%d+) (%d+) $')
call('DEL', scratch)
local key = indexes + 1
-- Where a first version holds its commit id, for ids and commit ids of these lengths.
local id_length, commit_length, from, to
for position = 4, #ARGV, 3 do
  local id, commit, actor = ARGV[position], ARGV[position + 1], ARGV[position + 2]
  local latest, trail = KEYS[key], KEYS[key + 1]
  if #id ~= id_length or #commit ~= commit_length then
    id_length, commit_length = #id, #commit
    local start = #('{"version":1,"id":"' .. id .. '","commit":"')
    from, to = tostring(start), tostring(start + commit_length - 1)
  end
  if call('GETRANGE', latest, from, to) == commit then
    -- Redis sets aside 4 KiB for each new stream. A copy takes what it needs, a tenth of that.
    if actor == '' then
      call('XADD', scratch, '*', 'op', 'create', 'version', '1', 'commit', commit)
    else
      call('XADD', scratch, '*', 'op', 'create', 'version', '1', 'commit', commit, 'actor', actor)
    end
    local is_new = call('COPY', scratch, trail) == 1
    call('DEL', scratch)
    if is_new then
      if life ~= '0' then
        call('PEXPIRE', trail, life)
      end
      if actor == '' then
        call('XADD', feed, 'MAXLEN', '~', feed_length, '*', 'op', 'create', 'version', '1', 'commit', commit,
          'id', id)
      else
        call('XADD', feed, 'MAXLEN', '~', feed_length, '*', 'op', 'create', 'version', '1', 'commit', commit,
          'actor', actor, 'id', id)
      end
    end
  end
  key = key + 2
end
return {1}
