-- The audit of writes. repo/audit_context.rs makes the two arguments:
--
--   settings  '' for no audit, or 'trail_length feed_length life'
--   fields    the fields that each entry of the call has, such as the actor: names and values as
--             parts (see `part_at`), '' for none

-- The fields of an entry, from the argument: names and values in turn.
local function audit_fields(text)
  local fields, at = {}, 1
  while at <= #text do
    fields[#fields + 1], at = part_at(text, at)
  end
  return fields
end

-- How the writes of a call are audited; nil if they are not.
local function audit_context(at, settings, fields)
  if settings == '' then
    return nil
  end
  local trail_length, feed_length, life = string.match(settings, '^(%d+) (%d+) (%d+)$')
  return {
    -- The address of the collection.
    at = at,
    -- The stream of all entries of the collection.
    feed = audit_feed_key(at),
    scratch = scratch_key(at),
    -- How many entries the trail of an item and the feed keep at most.
    trail_length = trail_length,
    feed_length = feed_length,
    -- How long a trail is kept after its last entry, in ms; '0' for ever.
    life = life,
    -- What each entry of the call says besides its operation.
    fields = audit_fields(fields),
  }
end

-- The error if the trail of an item or the feed is not a stream, or may not be written. The rights
-- are checked once in each call of a script.
local function wrong_audit(context, id)
  if not context then
    return nil
  end
  local trail = audit_key(context.at, id)
  local wrong = other_type(trail, 'stream') or other_type(context.feed, 'stream')
  if wrong or context.may_write then
    return wrong
  end
  wrong = forbidden(context.feed, 'XADD')
    or forbidden(trail, 'EXISTS', 'XADD', 'COPY', 'RENAME', 'PEXPIRE')
    or forbidden(context.scratch, 'COPY', 'RENAME')
  context.may_write = not wrong
  return wrong
end

-- Adds an entry to the trail of an item and to the feed of its collection. `...` are further fields
-- and values; those with an empty value are left out.
local function audit(context, id, operation, version, commit, ...)
  if not context then
    return
  end
  local entry =
    {'op', operation, 'version', whole(version), 'commit', commit, unpack(context.fields)}
  local further = {...}
  for position = 1, #further, 2 do
    if further[position + 1] ~= '' then
      entry[#entry + 1] = further[position]
      entry[#entry + 1] = further[position + 1]
    end
  end
  local trail = audit_key(context.at, id)
  local is_first = redis.call('EXISTS', trail) == 0
  redis.call('XADD', trail, 'MAXLEN', '~', context.trail_length, '*', unpack(entry))
  if is_first then
    -- Redis reserves 4 KiB for each new stream. A copy takes what it needs, a tenth of that.
    redis.call('COPY', trail, context.scratch, 'REPLACE')
    redis.call('RENAME', context.scratch, trail)
  end
  if context.life ~= '0' then
    redis.call('PEXPIRE', trail, context.life)
  end
  entry[#entry + 1] = 'id'
  entry[#entry + 1] = id
  redis.call('XADD', context.feed, 'MAXLEN', '~', context.feed_length, '*', unpack(entry))
end
