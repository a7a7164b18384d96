-- parts: prelude place ends chat drop
-- erase: what is one member's in a chat: the entries and dead letters named, and the sessions that have to be others.
-- KEYS[1] ready   ARGV chat ids('|' before, between and after the first id of each) [key old new] ...
--   key: session:<lane> or inherit:<lane>; old: what was read ('' nothing), new: what shall stand there ('' nothing)
-- -> {ok, entries and dead letters that went, {lane, token taken away ...}} | {changed, 0, {}}
-- Promise: if a value is no longer what was read nothing changes, so no turn's end is lost; and who was given an old
-- value may not write it back: its turn starts again, with what it sent.
unrefused()
local chat, named, other, robbed = ARGV[1], ARGV[2], {}, {}
for i = 3, #ARGV, 3 do
  if (call('MGET', P .. ARGV[i])[1] or '') ~= ARGV[i + 1] then return { 'changed', 0, {} } end
end
for i = 3, #ARGV, 3 do
  other[string.match(ARGV[i], ':(.*)$')] = 'same'
  if ARGV[i + 2] == '' then
    call('DEL', P .. ARGV[i])
  else
    call('SET', P .. ARGV[i], ARGV[i + 2], 'KEEPTTL')
  end
end
local function goes(uids) return string.find(named, '|' .. string.match(uids, '^[^+]*') .. '|', 1, true) ~= nil end
local count = unbury(chat, goes)
for _, lane in ipairs(lanes_of(chat)) do
  local gone, token = drop(lane, goes, other[lane])
  count = count + gone
  if token then robbed[#robbed + 1], robbed[#robbed + 2] = lane, token end
  call('DEL', P .. 'bad:session:' .. lane)
end
return { 'ok', count, robbed }
