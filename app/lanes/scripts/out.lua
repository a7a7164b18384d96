-- parts: prelude place chat
-- out: once nothing of a chat waits or runs, what it remembers is put into a parcel, and its updates go to the new chat.
-- KEYS[1] ready   ARGV old new   -> {busy} | {ok, alias, {field, value ...}}
--   field: session:<lane>, inherit:<lane> or chat:<field>, and `to`
-- Promise: a repetition gives the parcel again. Busy leaves a note, so that any worker can go on with the move.
unrefused()
local old, new = ARGV[1], ARGV[2]
local parcel, alias = P .. 'parcel:' .. old, call('GET', P .. 'moved:' .. old)
if alias then return { 'ok', alias, call('HGETALL', parcel) } end

local lanes = lanes_of(old)
local busy = call('EXISTS', P .. 'lane:!' .. old, P .. 'lane:?' .. old) > 0
for _, lane in ipairs(lanes) do busy = busy or call('EXISTS', P .. 'lane:' .. lane) == 1 end
call('HSET', parcel, 'to', new)
call('ZADD', P .. 'parcels', num(now), old)
if busy then return { 'busy' } end
call('SET', P .. 'moved:' .. old, new, 'EX', 30 * DAY)
for _, lane in ipairs(lanes) do
  for _, kind in ipairs({ 'session:', 'inherit:' }) do
    local value = call('MGET', P .. kind .. lane)[1]
    if value then call('HSET', parcel, kind .. lane, value) end
    call('DEL', P .. kind .. lane)
  end
end
sound('chat:' .. old, 'hash')
local fields = call('HGETALL', P .. 'chat:' .. old)
for i = 1, #fields, 2 do call('HSET', parcel, 'chat:' .. fields[i], fields[i + 1]) end
call('DEL', P .. 'chat:' .. old, P .. 'lanes:' .. old)
return { 'ok', new, call('HGETALL', parcel) }
