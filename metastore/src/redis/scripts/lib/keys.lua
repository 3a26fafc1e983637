-- The keys and channels that scripts build. They are those of key/address.rs and key/segment.rs; a
-- test compares both. `at` is the address of a collection, as `myapp:textsplitter:texts`; in the
-- place of an id '*' makes the pattern of all such keys.

local function address(domain, app, collection)
  return domain .. ':' .. app .. ':' .. collection
end

local function latest_key(at, id)
  return at .. ':' .. id .. ':latest'
end

-- The id in the latest key of an item; nil if it is one of another collection.
local function id_of_latest_key(at, key)
  if string.sub(key, 1, #at + 1) == at .. ':' then
    return string.sub(key, #at + 2, -8)
  end
end

-- The key of a version, whose number is text.
local function version_key(at, id, version)
  return at .. ':' .. id .. ':version:' .. version
end

local function trimmed_key(at, id)
  return at .. ':' .. id .. ':trimmed'
end

-- The record of a transformation: how its last job ended, and its last result.
local function record_key(at, id, transformation)
  return at .. ':' .. id .. ':transformation:' .. transformation
end

-- A derived value of an item, by the segment of the index of the items that have it.
local function derived_key(at, id, segment)
  return at .. ':' .. id .. ':' .. segment
end

local function index_key(at)
  return 'idx:' .. at
end

local function expiry_key(at)
  return 'idx:' .. at .. ':expiry'
end

local function entries_key(at)
  return 'idx:' .. at .. ':entries'
end

-- The address in the key of the entries of a collection.
local function address_of_entries_key(key)
  return string.sub(key, 5, -9)
end

local function commits_key(at)
  return 'idx:' .. at .. ':commits'
end

local function segment_key(at, segment)
  return 'idx:' .. at .. ':' .. segment
end

-- The segment of the index of the items that have a result of a transformation.
local function transformation_segment(transformation)
  return 'transformation:' .. transformation
end

-- The segment of the index that holds values of a unique field for items written by programs that
-- do not know that it is unique.
local function held_segment(field)
  return 'held:' .. field
end

local function unique_segment(field)
  return 'unique:' .. field
end

-- The field of a segment `unique:…`; nil if it is another one.
local function unique_field(segment)
  return string.match(segment, '^unique:(.*)$')
end

-- The same of a segment `held:…`.
local function held_field(segment)
  return string.match(segment, '^held:(.*)$')
end

-- Whether a segment is that of an index of values.
local function is_value_segment(segment)
  return segment == 'owner' or string.find(segment, '^by:.') or string.find(segment, '^each:.')
    or string.find(segment, '^unique:.') or string.find(segment, '^held:.')
end

-- 'mutation' or 'transformation' for the segment of a derived value; nil if it is another one.
local function derived_kind(segment)
  return string.match(segment, '^(mutation):') or string.match(segment, '^(transformation):')
end

local function audit_key(at, id)
  return 'stream:audit:' .. at .. ':' .. id
end

local function audit_feed_key(at)
  return 'stream:audit:' .. at
end

-- A scratch key: a script uses it within one call, and removes it.
local function scratch_key(at)
  return 'metastore:scratch:' .. at
end

-- A key of the queue of a transformation, by its last part.
local function queue_key(at, transformation, part)
  return 'queue:' .. at .. ':' .. transformation .. ':' .. part
end

-- The channel on which one worker is told that a queue may have jobs for it.
local function wake_channel(at, transformation, worker)
  return 'queue:' .. at .. ':' .. transformation .. ':wake:' .. worker
end

-- The channel on which one worker is told that jobs which it runs have been cancelled.
local function cancel_channel(at, transformation, worker)
  return 'queue:' .. at .. ':' .. transformation .. ':cancel:' .. worker
end

-- The channel on which changes of jobs are published, with the ids of their items.
local function changes_channel(at, transformation)
  return 'queue:' .. at .. ':' .. transformation .. ':changes'
end
