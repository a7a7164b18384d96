-- parts: prelude pauses
-- mark: the last call before a send. Checks claim, pause and the chat's pace, and notes the journal, in one step.
-- KEYS[1] ready   ARGV lane token part op answer gap-ms burst first(1|'') way(''|grow|edit|more) apart-ms
-- -> {grant | sent | unsure | hold | wait | refused, message id or ms, stop flag}
-- Promise: at most two ops of a part; same op, no second mark; nothing before a penalty's end; part 0 leaves no journal.
-- Ways: `grow` sends the beginning of an answer that is not finished; like part 0 it never takes an answer's slot, so a
-- chat where many wait gets answers, not beginnings; `more` (part 0) shows more of it. `edit` finishes a message that stands: it
-- has an answer's rights. What people read is `apart`, and in the minute after a penalty all else too: Telegram has
-- then said that it takes less.
unrefused()
local lane, token, part, op, answer = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local gap, burst = tonumber(ARGV[6]), tonumber(ARGV[7])
local turn, field, pace = P .. 'turn:' .. lane, 'm:' .. part, P .. 'pace:' .. chat_of(lane)
local t = call('HMGET', turn, 'token', field, 'slot', 'stop')
if t[1] ~= token then return { 'refused', 0, 0 } end
local noted, stop = t[2], t[4] and 1 or 0
local spare, edit = part == '0' or ARGV[9] == 'grow', ARGV[9] == 'edit'
local slot = not spare and tonumber(t[3] or 0) or 0 -- reserved for an answer, not for typing
if answer ~= '' then call('HSETNX', turn, 'answer', answer) end
if noted and string.byte(noted) ~= 63 and not edit then return { 'sent', noted, stop } end
if ARGV[8] == '1' and ordinary(lane) and call('EXISTS', P .. 'pause') == 1 then
  local pauses = pairs_of('pause')
  if pauses['*'] or covered(pauses, lane) then return { 'hold', 0, stop } end
end
local k, marked = string.match(not edit and noted or '?0:', '^%?(%d+):(.*)$')
local same = marked == op
if tonumber(k) >= 2 and not same then return { 'unsure', 0, stop } end

-- Commands have a budget of their own: they are confirmed while answers wait for their slots.
local budget = string.byte(lane) == 33 and 'urgent' or 'tat'
local p = call('HMGET', pace, budget, 'penalty', 'shown')
local penalty = tonumber(p[2] or 0)
local apart = (part ~= '0' or ARGV[9] ~= '' or now < penalty + 60000) and tonumber(ARGV[10] or 0) or 0
local clear = math.max(penalty, apart > 0 and tonumber(p[3] or 0) + apart or 0)
local wait, reserved = 0, slot > 0 and now <= slot + 2000
if reserved then
  wait = math.max(slot, clear) - now
  if wait > 0 then call('HSET', turn, 'slot', num(now + wait)) end
elseif gap > 0 or apart > 0 or clear > now then
  local free = spare and burst - 1 or burst
  local tat = math.max(tonumber(p[1] or 0), now) + gap
  local fits = math.max(tat - free * gap, clear)
  wait = fits - now
  if wait <= 0 or not spare then
    call('HSET', pace, budget, num(tat))
    local other = tonumber(call('HGET', pace, budget == 'tat' and 'urgent' or 'tat') or 0)
    call('EXPIRE', pace, math.ceil((math.max(tat, other, penalty) - now) / 1000) + 60)
    if wait > 0 then call('HSET', turn, 'slot', num(fits)) end
  end
end
if wait > 0 then return { 'wait', math.ceil(wait), stop } end
if slot > 0 then call('HDEL', turn, 'slot') end
if apart > 0 then call('HSET', pace, 'shown', num(now)) end
if part ~= '0' and not edit and not same then call('HSET', turn, field, '?' .. num(k + 1) .. ':' .. op) end
return { 'grant', 0, stop }
