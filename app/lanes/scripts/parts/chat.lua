-- The lanes of a chat in which people are answered: those with a suffix stand in its index.
local HELD_SECONDS = 30 * DAY -- a question that a pause holds so long is found, and then its session

local function lanes_of(chat)
  local lanes = call('ZRANGE', P .. 'lanes:' .. chat, 0, -1)
  lanes[#lanes + 1] = chat
  return lanes
end

-- Something came to a lane; `keep`: seconds that its session will last.
local function index(lane, keep)
  local key, lasts = P .. 'lanes:' .. chat_of(lane), keep + HELD_SECONDS
  call('ZADD', key, num(now), lane)
  for _, old in ipairs(call('ZRANGEBYSCORE', key, '-inf', num(now - lasts * 1000), 'LIMIT', 0, 10)) do
    call('ZREM', key, old)
  end
  call('EXPIRE', key, lasts)
end
