-- parts: prelude
-- moved: the parcel of a chat has arrived: nothing of the move is left but the alias.
-- KEYS[1] ready   ARGV old   -> 1 | 0 it was gone
unrefused()
call('ZREM', P .. 'parcels', ARGV[1])
return call('DEL', P .. 'parcel:' .. ARGV[1])
