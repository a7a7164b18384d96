-- permit: the bot-wide send budget (GCRA), several sends at once.
-- KEYS[1] pace   ARGV wanted, gap ms, burst, penalty ms   -> {granted, wait ms}.   A repetition only wastes budget.
redis.call('DEL', KEYS[1] .. ':none')
local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
local gap, burst = tonumber(ARGV[2]), tonumber(ARGV[3])
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
if tonumber(ARGV[4]) > 0 then tat = math.max(tat, now + tonumber(ARGV[4]) + burst * gap) end
local room = math.floor((now + burst * gap - tat) / gap + 1e-6)
local granted = math.max(0, math.min(tonumber(ARGV[1]), room))
tat = tat + granted * gap
redis.call('SET', KEYS[1], string.format('%.3f', tat), 'PX', math.ceil(tat - now) + 1000)
local wait = granted > 0 and 0 or math.max(1, math.ceil(tat + gap - burst * gap - now))
return { granted, wait }
