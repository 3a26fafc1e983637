-- Enters collections into the catalog. Of two definitions the one with the higher schema number
-- stays; of two with the same number the later one. The catalog keeps which definitions it has
-- replaced, so that an older service that still runs, or starts again, does not restore its own.
-- Writes only what is new.
--
-- KEYS  1 domains  2 … for each collection: the apps of its domain, the collections of its app
-- ARGV  for each collection: domain, app, name, descriptor, beginning with
--       {"schema":N,"fingerprint":"…", and the name of one of its transformations, '' if it has
--       none
-- Returns
--       {DONE, codes, fingerprints, muted} for each collection: a code, 0 it was entered already, 1
--       it is entered now, or it is not, because of 2 a higher schema number, or 3 a later
--       definition with the same number; the fingerprint of what was entered before with the same
--       number, '' for nothing; and 1 if the user may not publish the changes of its queues
--       {NOT_WRITABLE, reason} the server takes no writes; as a value, because the client would
--       look for another server after a refused command

-- How many replaced definitions of one collection are kept; each takes 43 bytes.
local MAX_REPLACED = 16

local count = #ARGV / 5
local wrong = wrong_type(KEYS[1], 'set')
for n = 1, count do
  wrong = wrong or wrong_type(KEYS[2 * n], 'set') or wrong_type(KEYS[2 * n + 1], 'hash')
end
if wrong then
  return wrong
end

local codes, fingerprints, muted = {}, {}, {}
for n = 1, count do
  local domain, app, name, descriptor, transformation = unpack(ARGV, 5 * n - 4, 5 * n)
  local at = address(domain, app, name)
  local is_muted = transformation ~= '' and may_not_publish(changes_channel(at, transformation))
  muted[n] = is_muted and 1 or 0
  local apps, collections = KEYS[2 * n], KEYS[2 * n + 1]
  local schema, rest = string.match(descriptor, '^{"schema":(%d+),(.*)$')
  local digest = redis.sha1hex(descriptor)
  local stored, current, replaced, fingerprint = string.match(
    redis.call('HGET', collections, name) or '',
    '^{"schema":(%d+),"digest":"(%x+)","replaced":%[([^%]]*)%],"fingerprint":"(%x+)",')
  fingerprints[n] = stored == schema and fingerprint or ''
  if stored and tonumber(stored) > tonumber(schema) then
    codes[n] = 2
  elseif current == digest then
    codes[n] = 0
  elseif stored == schema and string.find(replaced, digest, 1, true) then
    codes[n] = 3
  else
    local kept = ''
    if stored == schema then
      kept = '"' .. current .. '"' .. (replaced ~= '' and ',' .. replaced or '')
      kept = string.sub(kept, 1, 43 * MAX_REPLACED - 1)
    end
    local definition = '{"schema":' .. schema .. ',"digest":"' .. digest
      .. '","replaced":[' .. kept .. '],' .. rest
    local set = redis.pcall('HSET', collections, name, definition)
    if type(set) == 'table' and set.err then
      return {NOT_WRITABLE, string.match(set.err, '%u%u%u.*') or set.err}
    end
    redis.call('SADD', apps, app)
    redis.call('SADD', KEYS[1], domain)
    codes[n] = 1
  end
end
return {DONE, codes, fingerprints, muted}
