-- A lane with a non-empty list stands in exactly one place; these put it there and take its token away.
local function put(lane, rank)
  local mark, set = string.byte(lane), 'ready'
  if mark == 33 then set = 'urgent' elseif mark == 63 then set = 'notices' end
  call('ZADD', P .. set, rank or num(micros), lane)
end

-- True if the lane became ready; with a time `due`, ms, it sleeps until then instead.
local function append(lane, entry, due)
  if call('RPUSH', P .. 'lane:' .. lane, entry) > 1 then return false end
  if due and due > now then
    call('ZADD', P .. 'later', num(due), lane)
    return false
  end
  put(lane)
  return true
end

local function untoken(lane)
  call('HDEL', P .. 'turn:' .. lane, 'token')
  call('ZREM', P .. 'leases', lane)
  call('HDEL', P .. 'signals', lane)
end

-- Out of every place; whoever calls it puts the lane back if something is left in it.
local function unplace(lane)
  untoken(lane)
  local chat = chat_of(lane)
  for _, set in ipairs({ 'ready', 'urgent', 'notices', 'later', 'held:' .. chat, 'held:>' .. chat,
    'held:' .. (topic_of(lane) or chat) }) do
    call('ZREM', P .. set, lane)
  end
end

-- Keep a value of a wrong type aside, so that the lane goes on without it.
local function sound(key, kind)
  local is = call('TYPE', P .. key).ok
  if is ~= 'none' and is ~= kind then
    call('RENAME', P .. key, P .. 'bad:' .. key)
    call('EXPIRE', P .. 'bad:' .. key, 7 * DAY)
  end
end
