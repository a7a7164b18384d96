-- parts: prelude ends place
-- signal: /stop for the turn of a lane, running, waiting between attempts, or not yet begun.
-- KEYS[1] ready   ARGV lane uid mid at-ms   -> {ok, token} | {head, ''} | {idle, ''} | {dup, ''}
-- Promise: it never hits a question younger than the command, and a repetition does nothing.
unrefused()
local lane, uid, mid, at = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if not call('SET', P .. 'notice:' .. chat_of(lane) .. ':stop' .. uid, 1, 'NX', 'EX', 3600) then return { 'dup', '' } end
local turn = P .. 'turn:' .. lane
local t = call('HMGET', turn, 'token', 'n', 't0')
local begun = t[2] and tonumber(t[2]) > 0
if mid == 0 then
  if not begun or tonumber(t[3]) > at then return { 'idle', '' } end
else
  local entries = call('LRANGE', P .. 'lane:' .. lane, 0, begun and tonumber(t[2]) - 1 or 0)
  if #entries == 0 then return { 'idle', '' } end
  for _, entry in ipairs(entries) do
    local _, _, _, id = header(entry)
    if tonumber(id) >= mid then return { 'idle', '' } end
  end
end
call('HSET', turn, 'stop', 1)
if not t[1] then return { 'head', '' } end
call('HSET', P .. 'signals', lane, 'stop ' .. t[1])
return { 'ok', t[1] }
