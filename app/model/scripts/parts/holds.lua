-- Reservations: `call:<rid>` holds one record per ticket. `h<output>`, then `<window's key> <its id> <amount>` of each
-- window: it holds; with `-` for the h: it expired or was replaced, and may still be settled; `v<tokens>`: these were
-- charged though nothing came of it, and are given back if the call is made again; empty: it was settled.
local SWEPT, KEPT_SECONDS, DONE_SECONDS = 32, 35 * DAY, 60 -- a record outlives every window that it can hold room in

-- Take a record's room back in the windows that still stand and, unless `tokens` is nil, charge what was used:
-- `requests` is 1, or -1 with tokens below 0 to give back. Nothing here can fail: what is no window is passed over.
local function close(record, tokens, requests)
  local holds = string.sub(record, 1, 1) == 'h'
  for key, id, amount in string.gmatch(record, '(use:%S+) (%d+) (%d+)') do
    local f = redis.pcall('HMGET', P .. key, 'id', 'used', 'held')
    if f[1] == id then
      local used, held = tonumber(f[2]) or 0, tonumber(f[3]) or 0
      if tokens then used = used + (string.find(key, ':r/', 1, true) and requests or tokens) end
      if holds then held = held - amount end
      call('HSET', P .. key, 'used', num(math.max(0, math.min(used, MOST))), 'held', num(math.max(0, held)))
    end
  end
end

-- Write what a record has become, and let its key live as long as any of them is of use.
local function note(rid, ticket, record)
  local key, seconds = P .. 'call:' .. rid, DONE_SECONDS
  call('HSET', key, ticket, record)
  call('ZREM', KEYS[1], ticket .. ' ' .. rid)
  for _, other in ipairs(call('HVALS', key)) do
    local state = string.sub(other, 1, 1)
    seconds = math.max(seconds, state == 'h' and KEPT_SECONDS or state ~= '' and DAY or 0)
  end
  call('EXPIRE', key, seconds)
end

-- Nobody is behind this one any more: it holds nothing from now on.
local function drop(rid, ticket, record)
  close(record)
  note(rid, ticket, '-' .. string.sub(record, 2))
end

-- The same call is made again: this earlier one holds nothing more, and what it cost in vain is given back.
local function renew(rid, ticket, record)
  local tokens = string.match(record, '^v(%d+)')
  if tokens then
    close(record, 0 - tokens, -1)
    note(rid, ticket, '')
  elseif string.sub(record, 1, 1) == 'h' then
    drop(rid, ticket, record)
  end
end

-- Drop what has expired: its process is gone. Bounded; the next call goes on.
local function sweep()
  for _, member in ipairs(call('ZRANGEBYSCORE', KEYS[1], '-inf', num(now), 'LIMIT', 0, SWEPT)) do
    local ticket, rid = string.match(member, '^(%S+) (.*)$')
    local record = call('HGET', P .. 'call:' .. rid, ticket)
    if record then drop(rid, ticket, record) else call('ZREM', KEYS[1], member) end
  end
end

-- None outlives `life` from now: otherwise a clock that was set back would lengthen what nobody is behind.
local function shorten(life)
  for _, member in ipairs(call('ZRANGEBYSCORE', KEYS[1], '(' .. num(now + life), '+inf', 'LIMIT', 0, SWEPT)) do
    call('ZADD', KEYS[1], num(now + life), member)
  end
end
