-- Texts of parts: each part has its length in bytes and a colon in front.

-- The part that begins at `at`, and the position of the next one; nil if none begins there.
local function part_at(text, at)
  local _, colon, length = string.find(text, '^(%d%d?%d?%d?%d?%d?%d?):', at)
  if not colon or colon + length > #text then
    return nil
  end
  return string.sub(text, colon + 1, colon + length), colon + length + 1
end
