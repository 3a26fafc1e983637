-- Enters collections into the catalog. Of two definitions the one with the higher schema number stays;
-- of two with the same number the one that came later. It remembers which definitions it has
-- replaced, so that an older service that is still running, or starts again, does not bring its own
-- back. Writes only what is new.
--
-- KEYS  1 domains  2 … for each collection: the apps of its domain, the collections of its app
-- ARGV  for each collection: domain, app, name, descriptor, beginning with
--       {"schema":N,"fingerprint":"…", and a channel that its jobs publish on, '' for none
-- Gives {1, codes, fingerprints, muted}. For each collection a code: 0 it is entered so already, 1 it is now; it
--       is not, because of 2 a higher schema number, or 3 a later definition with the same number; and the
--       fingerprint of what was entered before with the same number, '' for nothing; and 1 if the user may not
--       publish on its channel.
--       {-1, reason} the server takes no writes. As a value, because every refusal of a command makes
--       the client look for another server.

-- How many replaced definitions of one collection are remembered; each takes 43 bytes.
local REMEMBERED = 16

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
  local domain, app, name, descriptor, channel = unpack(ARGV, 5 * n - 4, 5 * n)
  local may_not = channel ~= '' and redis.acl_check_cmd and not redis.acl_check_cmd('PUBLISH', channel, '')
  muted[n] = may_not and 1 or 0
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
    local remembered = ''
    if stored == schema then
      remembered = '"' .. current .. '"' .. (replaced ~= '' and ',' .. replaced or '')
      remembered = string.sub(remembered, 1, 43 * REMEMBERED - 1)
    end
    local set = redis.pcall('HSET', collections, name, '{"schema":' .. schema .. ',"digest":"' .. digest
      .. '","replaced":[' .. remembered .. '],' .. rest)
    if type(set) == 'table' and set.err then
      return {-1, string.match(set.err, '%u%u%u.*') or set.err}
    end
    redis.call('SADD', apps, app)
    redis.call('SADD', KEYS[1], domain)
    codes[n] = 1
  end
end
return {1, codes, fingerprints, muted}
