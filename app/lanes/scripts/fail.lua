-- parts: prelude place ends bury unsent
-- fail: the turn could not do its work: later again, or a dead letter.
-- KEYS[1] ready   ARGV lane token delay-ms reason op final(1|'') ATTEMPTS   -> later | dead | refused
unrefused()
local lane, token = ARGV[1], ARGV[2]
local key = P .. 'turn:' .. lane
local t = call('HMGET', key, 'token', 'try', 'n')
if t[1] ~= token then return 'refused' end
untoken(lane)
takeback(key, ARGV[5])
if ARGV[6] ~= '1' and tonumber(t[2]) < tonumber(ARGV[7]) then
  call('ZADD', P .. 'later', num(now + tonumber(ARGV[3])), lane)
  return 'later'
end
bury(lane, { try = t[2], n = t[3], journal = call('HGET', key, 'm:1') }, ARGV[4])
if call('LLEN', P .. 'lane:' .. lane) > 0 then put(lane) end
return 'dead'
