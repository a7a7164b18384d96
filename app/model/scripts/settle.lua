-- parts: windows holds
-- settle: a reservation ends. What was used is charged truthfully, be it more than was held or long after it expired.
-- KEYS[1] held   ARGV rid, ticket, tokens ('' nothing was used), vain   -> 1, or 0: it was settled before, or never made
-- A repetition changes nothing. A window that has ended since is not charged. `vain` ('1'): it was used, but nothing came
-- of it; if the call is made again (or was, before this arrived), only that one counts.
local rid, ticket, tokens, vain = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
if tokens ~= '' and not whole(tokens) then return redis.error_reply('ERR settle: not a whole number: ' .. tokens) end
sweep()
local record = call('HGET', P .. 'call:' .. rid, ticket)
local state, windows = string.match(record or '', '^([h-])%d+(.*)')
if vain and state == '-' then tokens, vain = '', false end
if state then close(record, tonumber(tokens), 1) end
-- Also where there was none: its `reserve` may still be on the way.
if state or not record then note(rid, ticket, state and vain and 'v' .. tokens .. windows or '') end
return state and 1 or 0
