-- parts: prelude place ends
-- tell: one notice to the lane's chat, durable and once for its mark; the turn goes on.
-- KEYS[1] ready   ARGV lane token mark seconds notice-json   -> told | known | refused
-- Promise: repeating the call tells nothing twice while the mark stands (`seconds`); a lost token tells nothing.
unrefused()
local lane, token, mark = ARGV[1], ARGV[2], ARGV[3]
local chat = chat_of(lane)
local entry = call('LINDEX', P .. 'lane:' .. lane, 0)
if not entry or call('HGET', P .. 'turn:' .. lane, 'token') ~= token then return 'refused' end
if not call('SET', P .. 'notice:' .. chat .. ':' .. mark, 1, 'NX', 'EX', ARGV[4]) then return 'known' end
local uids, _, _, mid = header(entry)
tell(chat, mark .. '-' .. uids, mid, ARGV[5])
return 'told'
