-- parts: windows holds
-- reserve: room for a call in all of its windows or in none; the same rid again replaces what it had.
-- KEYS[1] held   ARGV rid, ticket, ms to live, prompt, output, least, then scope unit window amount of each limit
-- -> {granted, output} | {busy, n} | {spent, n, resets ms, left}; n: the limit, from 1.
-- A repetition (same ticket) holds once. used + held never exceeds an amount. What others hold is no reason for `spent`.
local rid, ticket, life = ARGV[1], ARGV[2], tonumber(ARGV[3])
for i = 3, 6 do
  if not whole(ARGV[i]) then return redis.error_reply('ERR reserve: not a whole number: ' .. ARGV[i]) end
end
local prompt, output, least = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
sweep()
shorten(life)
local before = call('HGET', P .. 'call:' .. rid, ticket)
local given = before and string.match(before, '^h(%d+)')
if before then return given and { 'granted', tonumber(given) } or { 'busy', 1 } end
local others = call('HGETALL', P .. 'call:' .. rid)
for i = 1, #others, 2 do renew(rid, others[i], others[i + 1]) end
local windows, spent = {}, nil
for i = 7, #ARGV, 4 do
  local w = look(ARGV[i], ARGV[i + 1], ARGV[i + 2])
  local n, least_cost = #windows + 1, w.unit == 'r' and 1 or prompt + least
  w.free, windows[n] = tonumber(ARGV[i + 3]) - w.used, w
  if w.free < least_cost and (not spent or w.resets > windows[spent].resets) then spent = n end
  if w.unit == 't' then output = math.min(output, w.free - prompt) end
end
if spent then return { 'spent', spent, num(windows[spent].resets), num(math.max(0, windows[spent].free)) } end
for n, w in ipairs(windows) do
  w.cost = w.unit == 'r' and 1 or prompt + output
  if w.held + w.cost > w.free then return { 'busy', n } end
end
local record = 'h' .. num(output)
for _, w in ipairs(windows) do
  w.held = w.held + w.cost
  keep(w)
  record = record .. ' ' .. w.key .. ' ' .. w.id .. ' ' .. num(w.cost)
end
note(rid, ticket, record)
call('ZADD', KEYS[1], num(now + life), ticket .. ' ' .. rid)
call('EXPIRE', KEYS[1], KEPT_SECONDS)
return { 'granted', output }
