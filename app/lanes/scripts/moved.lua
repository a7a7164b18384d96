-- parts: prelude pauses
-- moved: the parcel of a chat has arrived: nothing of the move is left but the alias.
-- KEYS[1] ready   ARGV old   -> 1 | 0 it was gone
-- A pause of the old chat ends with it: it holds in the new one, and nobody could resume it here.
unrefused()
for scope, value in pairs(pairs_of('pause')) do
  if chat_of(scope) == ARGV[1] then lift(scope, value) end
end
call('ZREM', P .. 'parcels', ARGV[1])
return call('DEL', P .. 'parcel:' .. ARGV[1])
