-- Reads documents, up to a number of bytes.
--
-- KEYS  1 … keys of documents
-- ARGV  1 the bytes after which no further document is read
-- Returns
--       {DONE, documents} at least one, in the order of the keys; false for a key that is missing
--       or holds another type of value; if they are fewer than the keys, the others are left to a
--       further call

local limit = tonumber(ARGV[1])
local found, bytes = {}, 0
for number, key in ipairs(KEYS) do
  local document = redis.pcall('GET', key)
  if type(document) == 'table' then
    if not string.find(document.err, '^WRONGTYPE') then
      return document
    end
    document = false
  end
  found[number] = document
  bytes = bytes + (document and #document or 0)
  if bytes >= limit then
    break
  end
end
return {DONE, found}
