-- parts: prelude place ends pauses unsent
-- release: give a claim back, the attempt not counted; journal and slot stay.
-- KEYS[1] ready   ARGV lane token delay-ms op   -> ok | uncounted | refused
-- Promise: after the lease ran out only the attempt is uncounted, whoever holds the lane now. A question that now waits
-- for the end of a pause gets the notice of that pause, like one that is stored meanwhile.
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
local pauses = call('EXISTS', P .. 'pause') == 1 and pairs_of('pause') or {}
local scope = ordinary(lane) and (pauses['*'] and '*' or covered(pauses, lane))
local entry = scope and call('LINDEX', P .. 'lane:' .. lane, 0)
if entry then
  local _, ver = record(pauses[scope])
  local _, _, _, mid = header(entry)
  notice(lane, 'pause' .. ver, 'pause', 2 * DAY, mid, entry)
end
if delay > 0 then
  call('ZADD', P .. 'later', num(now + delay), lane)
else
  put(lane, t[3])
end
return 'ok'
