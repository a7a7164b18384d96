-- What every quota script begins with: the time, and the windows in which use is counted.
-- KEYS[1] is `held`, the reservations under way by the ms at which they end: it routes the call and gives the prefix.
local call = redis.call
local P = string.sub(KEYS[1], 1, -5)
local clock = call('TIME')
local micros = clock[1] * 1000000 + clock[2]
local now = math.floor(micros / 1000)
local DAY = 86400
local LENGTH = { minute = 60000, hour = 3600000 }

-- While memory is full Redis refuses a script's first growing write and lets the rest through; this one never grows.
call('DEL', P .. 'none')

local function num(value) return string.format('%.0f', value) end

-- A whole number that can be counted with, or nil. Arguments are looked at before anything is written: a script that
-- fails half way keeps its first half.
local MOST = 2 ^ 53
local function whole(text)
  local n = string.match(text or '', '^%d+$') and tonumber(text)
  return n and n <= MOST and n or nil
end

-- The first day of the month that a day is in; days since 1970 (after Hinnant's civil_from_days).
local function first(day)
  local doe = (day + 719468) % 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  return day - doy + math.floor((153 * math.floor((5 * doy + 2) / 153) + 2) / 5)
end

-- When the window of the calendar began and ends, ms. A window of it has a key of its own: a clock that is set back
-- finds what was used before.
local function calendar(name)
  local from = math.floor(now / DAY / 1000)
  local to = from + 1
  if name == 'month' then
    from = first(from)
    to = first(from + 31)
  end
  return from * DAY * 1000, to * DAY * 1000
end

local function keep(w)
  local id, used, held = w.id, num(w.used), num(w.held)
  call('HSET', P .. w.key, 'id', id, 'used', used, 'held', held, 'opened', num(w.opened), 'resets', num(w.resets))
  if w.fresh or w.moved then call('EXPIRE', P .. w.key, math.ceil((w.resets - now) / 1000) + DAY) end
end

-- A window as it stands now; `fresh`: nothing is counted in it yet. `opened` is its first use, also where the calendar
-- says when it ends. Its id is never given twice: a reservation must not be charged to a later window.
local function look(scope, unit, name)
  local w = { unit = unit, key = 'use:' .. scope .. ':' .. unit .. '/' .. name }
  local length, from, to = LENGTH[name], nil, nil
  if not length then
    from, to = calendar(name)
    w.key = w.key .. ':' .. num(from / 1000)
  end
  local f = call('HMGET', P .. w.key, 'id', 'used', 'held', 'opened', 'resets')
  w.id, w.used, w.opened, w.resets = f[1], tonumber(f[2]), tonumber(f[4]), tonumber(f[5])
  w.held = math.max(0, tonumber(f[3]) or 0)
  if not w.id or length and now >= w.resets then
    w.fresh, w.id, w.used, w.held = true, num(math.max(micros, (tonumber(w.id) or 0) + 1)), 0, 0
    w.opened, w.resets = now, to or now + length
  elseif length and now < w.opened then -- the clock was set back: what was used stays, for one length at most
    w.moved, w.opened, w.resets = true, now, now + length
    keep(w)
  end
  return w
end
