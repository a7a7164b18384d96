-- parts: prelude place ends pauses bury album
-- claim: sweep the shard, then give this worker the lanes it has room for, each with all that its turn needs.
-- KEYS[1] ready   ARGV worker number want want-urgent want-notices lease-ms ATTEMPTS merge-most
-- -> {claims, ready, oldest rank µs, urgent, notices, more, signals, pause of *, resume of *, {old, new} of late moves}
--    a claim: {lane, turn as a flat hash, {entries}, session, chat as a flat hash, inherited session}
-- Promise: the attempt is written before work starts; the same number again gives the same lanes, a lower one nothing;
-- an update that was started ATTEMPTS times is buried, never given out again. With all wants 0 it is only the sweep.
-- Entries of one group make one turn, on its first try only: who is poison is found alone.
unrefused()
local worker, number = ARGV[1], tonumber(ARGV[2])
local lease, attempts, merged = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local popped, POPPED_MOST, SWEEP_MOST, MOVES_MOST, MOVE_MS = 0, 500, 100, 10, 5000
local pauses, resumes, unusual = {}, {}, false

local function expire()
  for _, lane in ipairs(call('ZRANGEBYSCORE', P .. 'leases', '-inf', num(now), 'LIMIT', 0, SWEEP_MOST)) do
    sound('turn:' .. lane, 'hash')
    local t = call('HMGET', P .. 'turn:' .. lane, 'token', 'rank')
    if t[1] then call('HSET', P .. 'turn:' .. lane, 'last', t[1]) end
    untoken(lane)
    put(lane, t[2] or nil)
  end
end

local function wake()
  for _, member in ipairs(call('ZRANGEBYSCORE', P .. 'later', '-inf', num(now), 'LIMIT', 0, SWEEP_MOST)) do
    call('ZREM', P .. 'later', member)
    if string.byte(member) ~= 126 then
      put(member)
    else
      local scope = string.sub(member, 2)
      local value = call('HGET', P .. 'pause', scope)
      local till = value and tonumber((record(value))) or 0
      if value and till > 0 and till <= now then
        lift(scope, value)
      elseif not value then
        call('HDEL', P .. 'resume', scope)
      end
    end
  end
end

local function cutoff(lane)
  local least = 0
  if not ordinary(lane) then return least end
  for _, scope in ipairs({ '*', chat_of(lane), topic_of(lane) or '*' }) do
    local value = resumes[scope]
    least = math.max(least, value and tonumber(string.match(value, '|(%d+)$')) or 0)
  end
  return least
end

local function describe(lane)
  local turn, n = call('HGETALL', P .. 'turn:' .. lane), 1
  for i = 1, #turn, 2 do if turn[i] == 'n' then n = tonumber(turn[i + 1]) end end
  local kept = call('MGET', P .. 'session:' .. lane, P .. 'inherit:' .. lane) -- nothing, too, for a wrong type
  if not kept[1] then sound('session:' .. lane, 'string') end
  sound('chat:' .. chat_of(lane), 'hash')
  return { lane, turn, call('LRANGE', P .. 'lane:' .. lane, 0, n - 1), kept[1] or '',
    call('HGETALL', P .. 'chat:' .. chat_of(lane)), kept[2] or '' }
end

-- The heads that came too late, or that a pause held too long, end here. What the head is then: 'fresh' with its group,
-- 'other' than before, 'stale' still, or 'none'.
local function discard(lane, list, turn)
  local cut, gone = cutoff(lane), 0
  while true do
    local entry = call('LINDEX', list, 0)
    if not entry then return 'none' end
    local uids, at, by, mid, group = header(entry)
    if not (tonumber(by) > 0 and tonumber(by) < now or tonumber(at) < cut) then
      return gone > 0 and 'other' or 'fresh', group
    end
    if popped >= POPPED_MOST or gone >= 100 then return 'stale' end
    popped, gone = popped + 1, gone + 1
    call('LTRIM', list, 1, -1)
    if gone == 1 then call('DEL', turn) end
    finish(uids, 'dropped: stale')
    if ordinary(lane) then notice(lane, 'stale', 'stale', 3600, mid, entry) end
  end
end

local function stopped(list, turn, n)
  for _, entry in ipairs(call('LRANGE', list, 0, n - 1)) do finish(header(entry), 'dropped: stopped') end
  call('LTRIM', list, n, -1)
  call('DEL', turn)
end

-- How many entries stand together at the head that are of its group.
local function together(list, group)
  local n = 0
  for _, entry in ipairs(call('LRANGE', list, 0, merged - 1)) do
    local _, _, _, _, other = header(entry)
    if other ~= group then break end
    n = n + 1
  end
  return n
end

-- An album of which parts may still come: the time until which it settles.
local function unsettled(lane, group)
  local _, till = album(lane, group)
  return till and till > now and till or nil
end

local function park(lane, set, place, rank)
  call('ZREM', set, lane)
  call('ZADD', P .. place, rank, lane)
end

local function start(lane, set, rank, turn, try, n)
  local fence = math.max(tonumber(call('GET', P .. 'fence') or 0) + 1, micros)
  local token = num(fence) .. '-' .. worker
  call('ZREM', set, lane)
  call('SET', P .. 'fence', num(fence))
  call('HSET', turn, 'token', token, 'try', try + 1, 'n', n, 'rank', rank)
  call('HSETNX', turn, 't0', num(now))
  call('ZADD', P .. 'leases', num(now + lease), lane)
  return token
end

-- Settle what has to be settled about the head of a lane, then claim it: the token, or nothing.
local function consider(lane, set, rank)
  local list, turn = P .. 'lane:' .. lane, P .. 'turn:' .. lane
  sound('lane:' .. lane, 'list')
  sound('turn:' .. lane, 'hash')
  local scope, moving = nil, nil
  if unusual then scope, moving = covered(pauses, lane), ordinary(lane) and pauses['>' .. chat_of(lane)] end
  if scope then return park(lane, set, 'held:' .. scope, rank) end
  while true do
    local t = call('HMGET', turn, 'try', 'n', 'stop', 'answer', 'm:1')
    local try, n, journal = tonumber(t[1] or 0), math.max(1, tonumber(t[2] or 0)), t[4] or t[5]
    local first, head, group = try == 0 and not journal, 'begun', ''
    if (moving or t[3] or not first) and call('EXISTS', list) == 0 then
      head = 'none'
    elseif moving and not (t[1] or t[3]) then
      return park(lane, set, 'held:>' .. chat_of(lane), rank)
    elseif try >= attempts then
      bury(lane, { try = try, n = n, journal = t[5] }, 'attempts')
      head = 'other'
    elseif t[3] and not journal then
      stopped(list, turn, n)
      head = 'other'
    elseif first then
      head, group = discard(lane, list, turn)
    elseif not journal then
      n = 1
    end
    if head == 'stale' then return nil end
    if head == 'none' then
      call('ZREM', set, lane)
      call('DEL', turn)
      return nil
    end
    if head == 'fresh' then
      local due = is_album(group) and unsettled(lane, group)
      if due then return park(lane, set, 'later', num(due)) end
      n = group ~= '' and together(list, group) or 1
    end
    if head ~= 'other' then return start(lane, set, rank, turn, try, n) end
  end
end

local claims, noted, more = {}, {}, 0

local function take(name, want)
  if want == 0 then return end
  local most = 2 * want + 16
  local found = call('ZRANGE', P .. name, 0, most - 1, 'WITHSCORES')
  local given = 0
  for i = 1, #found, 2 do
    if given == want then return end
    if popped >= POPPED_MOST then break end
    local token = consider(found[i], P .. name, num(found[i + 1]))
    if token then
      given = given + 1
      claims[#claims + 1] = describe(found[i])
      noted[#noted + 1] = found[i] .. ' ' .. token
    end
  end
  if given < want and (#found == 2 * most or popped >= POPPED_MOST) then more = 1 end
end

local function repeated(log)
  for lane, token in string.gmatch(log, '|([^ |]+) ([^|]+)') do
    if call('HGET', P .. 'turn:' .. lane, 'token') == token then claims[#claims + 1] = describe(lane) end
  end
end

-- Moves on which nobody worked for a while: whoever sees them goes on.
local function moves()
  local late = {}
  if not unusual then return late end
  for _, old in ipairs(call('ZRANGEBYSCORE', P .. 'parcels', '-inf', num(now - MOVE_MS), 'LIMIT', 0, MOVES_MOST)) do
    late[#late + 1], late[#late + 2] = old, call('HGET', P .. 'parcel:' .. old, 'to') or ''
  end
  return late
end

expire()
wake()
unusual = call('EXISTS', P .. 'pause', P .. 'resume', P .. 'parcels') > 0
if unusual then pauses, resumes = pairs_of('pause'), pairs_of('resume') end
local want, urgent, notices = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
if want + urgent + notices > 0 then
  local log = call('GET', P .. 'call:' .. worker) or '0'
  local last = tonumber(string.match(log, '^%d+'))
  if number == last then
    repeated(log)
  elseif number > last then
    take('urgent', urgent)
    take('notices', notices)
    if not pauses['*'] then take('ready', want) end
    call('SET', P .. 'call:' .. worker, table.concat({ num(number), unpack(noted) }, '|'), 'EX', 600)
  end
end
local oldest = call('ZRANGE', P .. 'ready', 0, 0, 'WITHSCORES')
return { claims, pauses['*'] and 0 or call('ZCARD', P .. 'ready'), oldest[2] or '0', call('ZCARD', P .. 'urgent'),
  call('ZCARD', P .. 'notices'), more, call('HGETALL', P .. 'signals'), pauses['*'] or '', resumes['*'] or '', moves() }
