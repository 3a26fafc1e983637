-- The header: what precedes the document in a stored version. document/header.rs and envelope.rs
-- write it; a test compares both:
--
--   {"version":N,"id":"…","commit":"…","origin":"…","expires":T,"schema":N,"created":T,
--   "updated":T,…
--
-- `origin`, `expires` and `updated` may be missing. None of these parts can contain a quotation
-- mark. Other tools may write the parts in any order and with any white space.

-- The position of the last byte that these parts can have.
local HEADER_END = '511'

-- The version, the commit id and the origin in a text that begins with a header, and the position
-- after them; nil if it does not. The origin is the commit id of version 1: it distinguishes the
-- item from an earlier one with the same id.
local function parse_header(text)
  local version, commit, at =
    string.match(text, '^{"version":([1-9]%d*),"id":"[^"]*","commit":"([^"]*)"()')
  -- A number of more digits is not exact in Lua, and no item has so many versions.
  if not version or #version > 15 then
    return nil
  end
  local origin, after = string.match(text, '^,"origin":"([^"]*)"()', at)
  return tonumber(version), commit, origin or commit, after or at
end

-- The same for a text that another tool has written, and the time of the write in the place of the
-- position. nil if the text has more than 4 MiB. Numbers of the document itself are not read with
-- this function, because the decoder rounds them.
local function parse_foreign_header(text)
  if type(text) ~= 'string' or #text > 4194304 then
    return nil
  end
  local is_json, found = pcall(cjson.decode, text)
  if not is_json or type(found) ~= 'table' or type(found.commit) ~= 'string' then
    return nil
  end
  local function is_whole(number)
    return type(number) == 'number' and number >= 0 and number < 1e15 and number % 1 == 0
  end
  if not is_whole(found.version) or found.version < 1 or not is_whole(found.created) then
    return nil
  end
  local origin = type(found.origin) == 'string' and found.origin or found.commit
  local written = is_whole(found.updated) and found.updated or found.created
  return found.version, found.commit, origin, written
end

-- The version, the commit id and the origin in a stored version; nil if it is not a document.
local function header_in(text)
  local version, commit, origin = parse_header(text)
  if not version then
    version, commit, origin = parse_foreign_header(text)
  end
  return version, commit, origin
end

-- The version, the commit id and the origin of the document at `key`. nil if the key does not
-- exist; false if it holds something else, with the server's error in the second place if it cannot
-- be read. Never fails.
local function header_of(key)
  local text = redis.pcall('GETRANGE', key, '0', HEADER_END)
  if type(text) ~= 'string' then
    return false, text
  end
  if text == '' then
    -- An empty string is not the same as a missing key.
    if redis.call('EXISTS', key) == 1 then
      return false
    end
    return nil
  end
  local version, commit, origin = parse_header(text)
  if not version then
    version, commit, origin = parse_foreign_header(redis.pcall('GET', key))
  end
  return version or false, commit, origin
end

-- The position of the last byte that they have with usual ids.
local ITEM_END = '159'

-- The same for an item and its jobs: the version, the origin, and the deadline as text, '' for
-- none. Without a document, as `header_of`.
local function item_of(key)
  local text = redis.pcall('GETRANGE', key, '0', ITEM_END)
  local version, commit, origin, at = parse_header(type(text) == 'string' and text or '')
  -- An origin and a deadline may follow what fits.
  if version and #text == 160 and at + (origin == commit and 64 or 25) > 160 then
    text = redis.call('GETRANGE', key, '0', HEADER_END)
    version, commit, origin, at = parse_header(text)
  end
  if version then
    return version, origin, string.match(text, '^,"expires":(%d+)', at) or ''
  end
  local refusal
  version, refusal, origin = header_of(key)
  if not version then
    return version, refusal
  end
  local left = redis.call('PTTL', key)
  return version, origin, left > 0 and whole(now() + left) or ''
end

-- The reply for a key without a document, from what `header_of` returns.
local function no_document(version, refusal)
  if version == nil then
    return {NOT_FOUND}
  end
  return refusal or {NOT_A_DOCUMENT}
end

-- When the version at `key` was written, and its commit id; nil if the key holds no version. Never
-- fails.
local function written_at(key)
  local text = redis.pcall('GETRANGE', key, '0', HEADER_END)
  if type(text) ~= 'string' or text == '' then
    return nil
  end
  local version, commit, _, at = parse_header(text)
  if not version then
    local _, foreign_commit, _, written = parse_foreign_header(redis.pcall('GET', key))
    return written, foreign_commit
  end
  at = string.match(text, '^,"expires":%d+()', at) or at
  local created, after = string.match(text, '^,"schema":%d+,"created":(%d+)()', at)
  if not created then
    return nil
  end
  return tonumber(string.match(text, '^,"updated":(%d+)', after) or created), commit
end

-- The position of the deadline in the header at `key`, or of its place; the deadline as text, nil
-- for none; and the position after it. nil if the header is not as this library writes it.
local function stated_deadline(key)
  local text = redis.pcall('GETRANGE', key, '0', HEADER_END)
  if type(text) ~= 'string' then
    return nil
  end
  local version, _, _, at = parse_header(text)
  if not version then
    return nil
  end
  local stated, after = string.match(text, '^,"expires":(%d+)()', at)
  return at, stated, after or at
end

-- Writes a deadline into the header at `key`, or removes it if it is ''.
local function state_deadline(key, deadline)
  local at, stated, after = stated_deadline(key)
  if not at or (stated or '') == deadline then
    return
  end
  if stated and #stated == #deadline then
    redis.call('SETRANGE', key, whole(at - 1 + #',"expires":'), deadline)
  else
    local text = redis.call('GET', key)
    local field = deadline ~= '' and ',"expires":' .. deadline or ''
    text = string.sub(text, 1, at - 1) .. field .. string.sub(text, after)
    redis.call('SET', key, text, 'KEEPTTL')
  end
end

-- What the result of a mutation at `key` begins with, as text: the version of the item that it was
-- computed from, the commit id with which it was stored, and the origin of the item. nil if there
-- is none, with the server's error in the second place if the key cannot be read. repo/mutation.rs
-- writes it; a test compares both.
local function result_header_of(key)
  local text = redis.pcall('GETRANGE', key, '0', '127')
  if type(text) ~= 'string' then
    return nil, text
  end
  return string.match(text, '^{"version":(%d+),"commit":"(%w+)","origin":"([^"]*)"')
end
