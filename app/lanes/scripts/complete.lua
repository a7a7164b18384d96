-- parts: prelude place ends
-- complete: a turn's end. Session, ends, settings and the lane's next place change together or not at all.
-- KEYS[1] ready   ARGV lane token n end session ttl inherit? keep-bad? notice-json own-count [i end]... [field value]...
-- -> {ok, entries left} | {refused, 0}
-- A value of digits and a dot gets the id of the last entry behind it: what waited at that moment.
-- Promise: a token that no longer stands changes nothing. The last whose lease ran out stands while nobody holds the
-- lane: the session cannot have changed, and refusing would show the answer twice.
unrefused()
local lane, token, n, common = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local turn, list, chat = P .. 'turn:' .. lane, P .. 'lane:' .. lane, chat_of(lane)
local t = call('HMGET', turn, 'token', 'n', 'last')
local expired = not t[1] and t[3] == token
if t[1] ~= token and not expired or n > tonumber(t[2]) then return { 'refused', 0 } end
local own, fields = {}, 11 + 2 * tonumber(ARGV[10])
for i = 11, fields - 1, 2 do own[tonumber(ARGV[i])] = ARGV[i + 1] end
local head, mid
for i, entry in ipairs(call('LRANGE', list, 0, n - 1)) do
  local uids, _, _, id = header(entry)
  head, mid = head or uids, id
  finish(uids, own[i] or common)
end
call('LTRIM', list, n, -1)
local session = P .. 'session:' .. lane
if ARGV[8] == '1' and call('EXISTS', session) == 1 then
  call('RENAME', session, P .. 'bad:session:' .. lane)
  call('EXPIRE', P .. 'bad:session:' .. lane, 7 * DAY)
end
if ARGV[5] ~= '' then call('SET', session, ARGV[5], 'EX', ARGV[6]) end
if ARGV[7] == '1' then call('DEL', P .. 'inherit:' .. lane) end
for i = fields, #ARGV, 2 do
  local value = ARGV[i + 1]
  if string.match(value, '^%d+%.$') then value = value .. string.match(call('LINDEX', list, -1) or '', '^%d*') end
  if value == '' then
    call('HDEL', P .. 'chat:' .. chat, ARGV[i])
  else
    call('HSET', P .. 'chat:' .. chat, ARGV[i], value)
  end
end
call('EXPIRE', P .. 'chat:' .. chat, ARGV[6])
if ARGV[9] ~= '' and head then tell(chat, head, mid, ARGV[9]) end
call('DEL', turn)
if expired then unplace(lane) else untoken(lane) end
local left = call('LLEN', list)
if left > 0 then put(lane) end
return { 'ok', left }
