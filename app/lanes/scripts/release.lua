-- parts: prelude place unsent
-- release: give a claim back, the attempt not counted; journal and slot stay.
-- KEYS[1] ready   ARGV lane token delay-ms op   -> ok | uncounted | refused
-- Promise: after the lease ran out only the attempt is uncounted, whoever holds the lane now.
unrefused()
local lane, token, delay = ARGV[1], ARGV[2], tonumber(ARGV[3])
local turn = P .. 'turn:' .. lane
local t = call('HMGET', turn, 'token', 'last', 'rank')
if t[1] ~= token and t[2] ~= token then return 'refused' end
takeback(turn, ARGV[4])
call('HINCRBY', turn, 'try', -1)
call('HDEL', turn, 'last')
if t[1] ~= token then return 'uncounted' end
untoken(lane)
if delay > 0 then
  call('ZADD', P .. 'later', num(now + delay), lane)
else
  put(lane, t[3])
end
return 'ok'
