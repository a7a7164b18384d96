-- parts: prelude place ends pauses album chat
-- store: put a batch of updates of one shard into their lanes, each exactly once.
-- KEYS[1] ready   ARGV[1] GROUP_MODE, ARGV[2] session seconds, then nine each: uid lane limit at by mid group kind raw
-- -> {lanes made ready, status ...}; status: ok dup edited flood ignored paused | to <chat>
-- Promise: repeating the call changes nothing (the `seen` bit); the first write grows, so a full memory refuses all of it.
local mode, keep = ARGV[1], tonumber(ARGV[2])
local made, out, aliases, kept = 0, { 0 }, {}, {}
local pauses = call('EXISTS', P .. 'pause') == 1 and pairs_of('pause') or nil

local function alias(chat)
  if aliases[chat] == nil then aliases[chat] = call('GET', P .. 'moved:' .. chat) end
  return aliases[chat]
end

local function remember(uid)
  local key = P .. 'seen:' .. num(math.floor(uid / 4096))
  call('SETBIT', key, uid % 4096, 1)
  if not kept[key] then
    kept[key] = true
    call('EXPIRE', key, 2 * DAY)
  end
end

-- The last entry that waits in a lane and fits, with its place; searched from the tail, not into the running turn.
local function find(lane, fits)
  local list = P .. 'lane:' .. lane
  local taken = redis.pcall('HGET', P .. 'turn:' .. lane, 'n') -- an error for a record of a wrong type
  local low, high = type(taken) == 'string' and tonumber(taken) or 0, call('LLEN', list) - 1
  while high >= low do
    local from = math.max(low, high - 63)
    local chunk = call('LRANGE', list, from, high)
    for i = #chunk, 1, -1 do
      if fits(header(chunk[i])) then return chunk[i], from + i - 1 end
    end
    high = from - 1
  end
end

-- An edit of an entry that still waits takes its place. What was not to be merged before stays so, and what must not be
-- any more is not.
local function edited(lane, uid, mid, group, raw)
  local entry, place = find(lane, function(_, _, _, has) return has == mid end)
  if not entry then return false end
  local uids, at, by, _, was = header(entry)
  local keeps = was == group and was or ''
  call('LSET', P .. 'lane:' .. lane, place, table.concat({ uids .. '+' .. uid, at, by, mid, keeps }, '|') .. '\n' .. raw)
  return true
end

-- A part of an album stands behind the others that wait, whoever wrote in between. True if the lane became ready.
local function join(lane, group, entry)
  local last = album(lane, group) and find(lane, function(_, _, _, _, has) return has == group end)
  local due = settle(lane, group)
  if not last then return append(lane, entry, due) end
  call('LINSERT', P .. 'lane:' .. lane, 'AFTER', last, entry)
  return false
end

-- Read before the bit is set: a lane of a wrong type must not cost the update.
local function length(lane)
  local count = redis.pcall('LLEN', P .. 'lane:' .. lane)
  if type(count) == 'number' then return count end
  sound('lane:' .. lane, 'list')
  return 0
end

local function take(uid, lane, limit, at, by, mid, group, kind, raw)
  local id, chat = tonumber(uid), chat_of(lane)
  if call('GETBIT', P .. 'seen:' .. num(math.floor(id / 4096)), id % 4096) == 1 then return 'dup' end
  if alias(chat) then return 'to ' .. alias(chat) end
  local grouped = group ~= '' and is_album(group)
  local unasked = string.find(kind, 'a', 1, true) -- but of an album one caption may ask for all that follow it
    and (call('HGET', P .. 'chat:' .. chat, 'mode') or mode) ~= 'always' and not (grouped and album(lane, group))
  if kind == 'i' or unasked then
    remember(id)
    finish(uid, 'dropped: ignored')
    return 'ignored'
  end
  local waiting = length(lane)
  remember(id)
  if string.find(kind, 'e', 1, true) then
    if edited(lane, uid, mid, group, raw) then return 'edited' end
    group, grouped = '', false
  end
  if waiting >= tonumber(limit) then
    finish(uid, 'dropped: flood')
    notice(lane, 'flood', 'flood', 3600, mid, raw)
    return 'flood'
  end
  local scope = pauses and (ordinary(lane) and pauses['*'] and '*' or covered(pauses, lane))
  if scope then
    local _, ver, policy = record(pauses[scope])
    notice(lane, 'pause' .. ver, 'pause', 2 * DAY, mid, raw)
    if policy == 'drop' then
      finish(uid, 'dropped: paused')
      return 'paused'
    end
  end
  if at == '0' then at = num(now) end
  local entry = table.concat({ uid, at, by, mid, group }, '|') .. '\n' .. raw
  if grouped and join(lane, group, entry) or not grouped and append(lane, entry) then made = made + 1 end
  if string.find(lane, ':', 1, true) then index(lane, keep) end
  return 'ok'
end

for i = 3, #ARGV, 9 do
  out[#out + 1] = take(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6],
    ARGV[i + 7], ARGV[i + 8])
end
out[1] = made
return out
