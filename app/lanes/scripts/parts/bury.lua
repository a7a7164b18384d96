-- Dead letters: an update that failed for good keeps its entry for an operator, and its person gets one apology.
local DEAD_KEPT, DEAD_SECONDS = 1000, 30 * DAY

-- Bury the head of a lane: all `n` entries only if their common answer has begun, else the first alone.
local function bury(lane, turn, reason)
  local list = P .. 'lane:' .. lane
  local n = 1
  if turn.journal and tonumber(turn.n or 1) > 1 then n = tonumber(turn.n) end
  local chat, dead = chat_of(lane), P .. 'dead:' .. chat_of(lane)
  for _, entry in ipairs(call('LRANGE', list, 0, n - 1)) do
    local uids, _, _, mid = header(entry)
    call('HSET', dead, uids, table.concat({ lane, reason, turn.try or 0, 0, num(now) }, '|') .. '\n' .. entry)
    call('ZADD', P .. 'dead', num(now), chat .. '/' .. uids)
    finish(uids, 'dead')
    if string.byte(lane) ~= 63 then notice(lane, 'dead' .. uids, 'dead', 3600, mid, entry) end
  end
  call('EXPIRE', dead, DEAD_SECONDS)
  call('EXPIRE', P .. 'dead', DEAD_SECONDS)
  local surplus = call('ZCARD', P .. 'dead') - DEAD_KEPT
  if surplus > 0 then
    for _, member in ipairs(call('ZRANGE', P .. 'dead', 0, surplus - 1)) do
      local owner, uids = string.match(member, '^([^/]*)/(.*)$')
      call('HDEL', P .. 'dead:' .. owner, uids)
      call('ZREM', P .. 'dead', member)
    end
  end
  call('LTRIM', list, n, -1)
  call('DEL', P .. 'turn:' .. lane)
end
