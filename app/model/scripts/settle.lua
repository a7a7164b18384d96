-- parts: windows holds
-- settle: a reservation ends. What was used is charged truthfully, be it more than was held or long after it expired.
-- KEYS[1] held   ARGV rid, ticket, tokens ('' nothing was used)   -> 1, or 0: it was settled before, or never made
-- A repetition changes nothing. A window that has ended since is not charged.
sweep()
local rid, ticket, tokens = ARGV[1], ARGV[2], ARGV[3]
local record = call('HGET', P .. 'call:' .. rid, ticket)
if record and record ~= '' then close(record, tokens ~= '' and tokens or nil) end
note(rid, ticket, '') -- also where there was none: its `reserve` may still be on the way
return record and record ~= '' and 1 or 0
