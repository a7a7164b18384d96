-- parts: prelude
-- cool: Telegram's retry_after: nothing is sent to the chat before it ends.
-- KEYS[1] ready   ARGV chat ms   -> end of the penalty, ms.   A repetition is a maximum.
unrefused()
local pace = P .. 'pace:' .. ARGV[1]
local p = call('HMGET', pace, 'tat', 'penalty')
local till = math.max(now + tonumber(ARGV[2]), tonumber(p[2] or 0))
local tat = math.max(till, tonumber(p[1] or 0))
call('HSET', pace, 'tat', num(tat), 'penalty', num(till))
call('EXPIRE', pace, math.ceil((tat - now) / 1000) + 120) -- no shorter than what commands have used
return num(till)
