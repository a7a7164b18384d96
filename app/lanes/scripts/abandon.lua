-- parts: prelude
-- abandon: every lease of the shard ends now, because whoever held one is known to be dead.
-- KEYS[1] ready   -> leases that ended.   The next claim or sweep returns their lanes to the places they had.
unrefused()
local lanes = call('ZRANGE', P .. 'leases', 0, -1)
for _, lane in ipairs(lanes) do call('ZADD', P .. 'leases', 'XX', 0, lane) end
return #lanes
