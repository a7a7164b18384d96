-- parts: prelude
-- renew: lengthen the leases of claims whose token still stands.
-- KEYS[1] ready   ARGV[1] lease ms, then lane, token each   -> {{tokens refused}, {lane, signal ...}}
-- Promise: a lane whose token is gone is never leased again by its old holder.
unrefused()
local refused = {}
local till = num(now + tonumber(ARGV[1]))
for i = 2, #ARGV, 2 do
  if call('HGET', P .. 'turn:' .. ARGV[i], 'token') == ARGV[i + 1] then
    call('ZADD', P .. 'leases', 'XX', till, ARGV[i])
  else
    refused[#refused + 1] = ARGV[i + 1]
  end
end
return { refused, call('HGETALL', P .. 'signals') }
