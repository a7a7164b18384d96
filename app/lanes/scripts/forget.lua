-- parts: prelude place ends pauses chat drop
-- forget: everything of a chat, or of one lane, that is older than the command; for a chat its settings too.
-- KEYS[1] ready   ARGV scope(chat | lane) mid gone-chat('' | a chat whose parcel must not arrive any more)
-- -> {entries and dead letters that went, {lane, token taken away ...}}
-- Promise: younger entries stay in order, and a turn of theirs sends nothing a third time. The chat's pace stays, or a
-- penalty could be shaken off; so does `stop<uid>`, or a /stop that comes again would hit a younger question; so do the
-- ids of the chat that it was before, where /forget has to go too. A pause stays too, but for who it was by, and why.
unrefused()
local scope, mid = ARGV[1], tonumber(ARGV[2])
local chat = chat_of(scope)
local whole = scope == chat
local robbed = {}
if ARGV[3] ~= '' then call('SET', P .. 'arrived:' .. ARGV[3], 1, 'EX', 30 * DAY) end
local count = unbury(chat, function(_, id, lane) return id < mid and (whole or lane == scope) end)
for _, lane in ipairs(whole and lanes_of(chat) or { scope }) do
  local gone, token = drop(lane, function(_, id) return id < mid end, 'all')
  count = count + gone
  if token then robbed[#robbed + 1], robbed[#robbed + 2] = lane, token end
  for _, kind in ipairs({ 'session:', 'inherit:', 'album:', 'bad:session:', 'bad:lane:', 'bad:turn:' }) do
    call('DEL', P .. kind .. lane)
  end
  if call('EXISTS', P .. 'lane:' .. lane) == 0 then call('ZREM', P .. 'lanes:' .. chat, lane) end
end
if whole then
  drop('?' .. chat, function() return true end, 'all')
  for _, field in ipairs(call('HKEYS', P .. 'chat:' .. chat)) do
    if field ~= 'from' and field ~= 'was' then call('HDEL', P .. 'chat:' .. chat, field) end
  end
  for _, key in ipairs({ 'bad:chat:', 'bad:lane:?', 'bad:turn:?' }) do call('DEL', P .. key .. chat) end
  for _, mark in ipairs({ 'flood', 'stale', 'throttled' }) do call('DEL', P .. 'notice:' .. chat .. ':' .. mark) end
  for at, value in pairs(pairs_of('pause')) do
    local _, ver = record(value)
    if at == '*' or chat_of(at) == chat then call('DEL', P .. 'notice:' .. chat .. ':pause' .. ver) end
    if chat_of(at) == chat then call('HSET', P .. 'pause', at, string.match(value, '^.-|.-|.-|.-|.-|') .. '|') end
  end
  for _, field in ipairs(call('HKEYS', P .. 'parcel:' .. chat)) do
    if field ~= 'to' then call('HDEL', P .. 'parcel:' .. chat, field) end
  end
end
return { count, robbed }
