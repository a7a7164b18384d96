-- parts: prelude
-- sent: replace the mark of a part by the id of the message that now stands there.
-- KEYS[1] ready   ARGV lane token part message-id done('' | how far the answer is finished)   -> ok | refused
unrefused()
local turn = P .. 'turn:' .. ARGV[1]
if call('HGET', turn, 'token') ~= ARGV[2] then return 'refused' end
call('HSET', turn, 'm:' .. ARGV[3], ARGV[4])
if (ARGV[5] or '') ~= '' then call('HSET', turn, 'done', ARGV[5]) end
return 'ok'
