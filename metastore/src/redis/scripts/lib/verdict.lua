-- The codes that the replies of scripts begin with. redis/verdict.rs has the same.

-- Done, by this call or by an earlier one with the same commit.
local DONE = 1

-- A part is done, and the rest is left: call again.
local PARTLY = 2

-- The item, job or key is not in the state that the call expects.
local CONFLICT = 0

-- There is no such item.
local NOT_FOUND = -1

-- The key does not hold a document.
local NOT_A_DOCUMENT = -2

-- Another item has the value of a unique field.
local VALUE_TAKEN = -3

-- A key of the item holds another type of value.
local WRONG_TYPE = -4

-- An index does not hold all items.
local INDEX_INCOMPLETE = -5

-- The server takes no writes.
local NOT_WRITABLE = -6

-- The time of the write is too far from the server's.
local CLOCK_SKEW = -8

-- An earlier call with the same commit was refused.
local REFUSED_BEFORE = -9

-- The job was cancelled.
local CANCELLED = -10
