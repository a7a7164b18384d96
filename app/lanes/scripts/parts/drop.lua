-- Entries that leave a lane before their turn, from wherever they stand in it.
-- End every entry for which `goes(uids, mid)`: their number, and the token that was taken away, if one stood. A turn of
-- which nothing stays loses its record. If its head changes, or its session (`anew`), whoever runs it is refused from now
-- on and it starts again: marks, `stop` and `slot` stay, for what was sent is not sent again. The finished answer goes
-- with a part of its question, and with the whole session ('all').
local function drop(lane, goes, anew)
  local list, turn = P .. 'lane:' .. lane, P .. 'turn:' .. lane
  sound('lane:' .. lane, 'list')
  sound('turn:' .. lane, 'hash')
  local t = call('HMGET', turn, 'token', 'n')
  local n, kept, heads = math.max(1, tonumber(t[2] or 0)), {}, 0
  local entries = call('LRANGE', list, 0, -1)
  if #entries == 0 then return 0 end
  for i, entry in ipairs(entries) do
    local uids, _, _, mid = header(entry)
    if goes(uids, tonumber(mid)) then
      finish(uids, 'dropped: forgotten')
    else
      kept[#kept + 1] = entry
      if i <= n then heads = heads + 1 end
    end
  end
  local changed = heads < math.min(n, #entries)
  local touched = changed or anew and t[1]
  if #kept < #entries then
    call('DEL', list)
    for _, entry in ipairs(kept) do call('RPUSH', list, entry) end
  end
  if heads == 0 then
    call('DEL', turn)
  elseif touched or anew then
    if t[1] then call('HINCRBY', turn, 'try', -1) end
    if t[2] then call('HSET', turn, 'n', heads) end
    call('HDEL', turn, 'last')
    if changed or anew == 'all' then call('HDEL', turn, 'answer', 'done') end
  end
  if touched then
    unplace(lane)
    if #kept > 0 then put(lane) end
  end
  return #entries - #kept, touched and t[1] or nil
end

-- Dead letters of a chat for which `goes`: gone, with the note that they were told of.
local function unbury(chat, goes)
  local dead, count = call('HGETALL', P .. 'dead:' .. chat), 0
  for i = 1, #dead, 2 do
    local lane, entry = string.match(dead[i + 1], '^([^|]*)|[^\n]*\n(.*)$')
    local uids, _, _, mid = header(entry or '')
    if not uids or goes(uids, tonumber(mid), lane) then
      count = count + 1
      call('HDEL', P .. 'dead:' .. chat, dead[i])
      call('ZREM', P .. 'dead', chat .. '/' .. dead[i])
      call('DEL', P .. 'notice:' .. chat .. ':dead' .. dead[i])
    end
  end
  return count
end
