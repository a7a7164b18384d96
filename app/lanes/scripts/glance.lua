-- parts: prelude place ends
-- glance: the first message behind a running turn that may be marked as seen now; each of them once, an album once.
-- KEYS[1] ready   ARGV lane waited-ms most-in-a-minute gap-ms burst   -> message id, or 0
-- Promise: nothing during a penalty, nor in the minute after; it takes no slot of an answer: one more stays free, as with typing.
unrefused()
local lane, waited, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local gap, burst = tonumber(ARGV[4]), tonumber(ARGV[5])
local chat, NEAR = chat_of(lane), 30 -- entries that are looked at: what waits further behind will come nearer
local running = call('HMGET', P .. 'turn:' .. lane, 'token', 'n')
local count, last = P .. 'notice:' .. chat .. ':eyes', P .. 'notice:' .. chat .. ':eyes' .. lane
if not running[1] or tonumber(call('GET', count) or 0) >= most then return 0 end
local pace = P .. 'pace:' .. chat
local p = call('HMGET', pace, 'tat', 'penalty', 'urgent')
local tat = math.max(tonumber(p[1] or 0), now) + gap
if tonumber(p[2] or -60000) + 60000 > now or gap > 0 and tat - (burst - 1) * gap > now then return 0 end

local seen, album = string.match(call('GET', last) or '0|', '^(%d+)|(.*)$')
local function found()
  for _, entry in ipairs(call('LRANGE', P .. 'lane:' .. lane, running[2], running[2] + NEAR - 1)) do
    local _, at, _, mid, group = header(entry)
    local same = group == album and string.byte(group) == 97
    if tonumber(mid) > tonumber(seen) and not same and now - tonumber(at) >= waited then return mid, group end
  end
end

local mid, group = found()
if not mid then return 0 end
call('SET', last, mid .. '|' .. group, 'EX', 3600)
if call('INCR', count) == 1 then call('EXPIRE', count, 60) end
if gap > 0 then
  call('HSET', pace, 'tat', num(tat))
  call('EXPIRE', pace, math.ceil((math.max(tat, tonumber(p[3] or 0)) - now) / 1000) + 60)
end
return tonumber(mid)
