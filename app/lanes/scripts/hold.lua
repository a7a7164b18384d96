-- parts: prelude pauses chat
-- hold: begin or end a pause of a scope in this shard. Moves no lane at its beginning: claims park what they meet.
-- KEYS[1] ready   ARGV scope on(1|'') ver until-ms policy hold-ms author reason   -> ok | same | old
--   scope: `*`, a chat, `<chat>:t<topic>`, or `><chat>`: for so many ms nothing new of it starts, since `reason` moves there
-- Promise: `ver` (date.id) must be higher than the one noted, so a repetition (same) or an older command changes nothing.
unrefused()
local scope, on, ver = ARGV[1], ARGV[2] == '1', ARGV[3]
local active, ended = call('HGET', P .. 'pause', scope), call('HGET', P .. 'resume', scope)

local function newer(other)
  local d1, i1 = string.match(ver, '^(%d+)%.(%d+)$')
  local d2, i2 = string.match(other or '0.0', '^(%d+)%.(%d+)$')
  d1, i1, d2, i2 = tonumber(d1), tonumber(i1), tonumber(d2), tonumber(i2)
  return d1 > d2 or d1 == d2 and i1 > i2
end

local active_ver = active and string.match(active, '^%d+|([%d.]+)|')
local ended_ver = ended and string.match(ended, '^([%d.]+)|')
if on and active_ver == ver or not (on or active) and ended_ver == ver then return 'same' end
if not newer(active_ver) or not newer(ended_ver) then return 'old' end
if not on then
  if active then
    lift(scope, active, ver)
  else
    resumed(scope, ver, 0)
  end
  return 'ok'
end
local moving = string.byte(scope) == 62
local till = moving and num(now + tonumber(ARGV[4])) or ARGV[4]
local since = active and string.match(active, '^%d+|[%d.]+|%a*|(%d+)|') or num(now)
call('HSET', P .. 'pause', scope, table.concat({ till, ver, ARGV[5], since, ARGV[6], ARGV[7], ARGV[8] }, '|'))
if tonumber(till) > 0 then
  call('ZADD', P .. 'later', till, '~' .. scope)
else
  call('ZREM', P .. 'later', '~' .. scope)
end
if scope == '*' then return 'ok' end
if moving then
  local chat = P .. 'chat:' .. string.sub(scope, 2)
  call('HSET', chat, 'from', ARGV[8])
  if call('TTL', chat) < 0 then call('EXPIRE', chat, 30 * DAY) end
  return 'ok'
end
for _, lane in ipairs(lanes_of(chat_of(scope))) do
  local token = covered({ [scope] = true }, lane) and call('HGET', P .. 'turn:' .. lane, 'token')
  local signal = token and call('HGET', P .. 'signals', lane)
  if token and not (signal and string.sub(signal, 1, 4) == 'stop') then
    call('HSET', P .. 'signals', lane, 'hold ' .. token)
  end
end
return 'ok'
