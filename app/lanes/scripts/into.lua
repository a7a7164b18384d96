-- parts: prelude pauses chat
-- into: a parcel arrives in the new chat, whose hold ends in any case.
-- KEYS[1] ready   ARGV old new ver ttl [key value] ...; key: inherit:<lane> or chat:<field>; ver: that of the hold
-- -> ok | dup
-- Promise: what the new chat has already is not touched; a parcel that is in, or was forgotten, does not come again.
unrefused()
local old, new, scope = ARGV[1], ARGV[2], '>' .. ARGV[2]
local chat, held = P .. 'chat:' .. new, call('HGET', P .. 'pause', scope)
if held then lift(scope, held) else resumed(scope, ARGV[3], 0) end
call('HDEL', chat, 'from')
call('HSET', chat, 'was', old) -- whose dead letters are this chat's too
call('EXPIRE', chat, ARGV[4])
if not call('SET', P .. 'arrived:' .. old, 1, 'NX', 'EX', 30 * DAY) then return 'dup' end
for i = 5, #ARGV, 2 do
  local kind, name = string.match(ARGV[i], '^(%a+):(.*)$')
  if kind == 'inherit' then
    call('SET', P .. ARGV[i], ARGV[i + 1], 'EX', ARGV[4])
    if name ~= new then index(name, tonumber(ARGV[4])) end
  else
    call('HSETNX', chat, name, ARGV[i + 1])
  end
end
return 'ok'
