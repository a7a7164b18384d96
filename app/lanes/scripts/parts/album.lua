-- An album arrives in parts: `album:<lane>` holds of each when its first part came, and until when it settles, in ms.
local SETTLE_MS, SETTLE_MOST_MS, ALBUM_MS = 1500, 5000, 15000

local function is_album(group) return string.byte(group) == 97 end -- `a<media group>`

-- When the first part of this album came, and until when it settles; nothing if that is long ago, or it is not known.
local function album(lane, group)
  local known = redis.pcall('HGET', P .. 'album:' .. lane, group) -- an error for a key of a wrong type
  local first, till = string.match(type(known) == 'string' and known or '', '^(%d+)|(%d+)$')
  if not till or tonumber(till) + ALBUM_MS < now then return nil end
  return tonumber(first), tonumber(till)
end

-- A part came: the end of the settling, counted anew from now, but not beyond its most.
local function settle(lane, group)
  local key, first = P .. 'album:' .. lane, album(lane, group) or now
  local till = math.min(now + SETTLE_MS, first + SETTLE_MOST_MS)
  if call('TYPE', key).ok ~= 'hash' or call('HLEN', key) > 50 then call('DEL', key) end
  call('HSET', key, group, num(first) .. '|' .. num(till))
  call('PEXPIRE', key, SETTLE_MOST_MS + ALBUM_MS)
  return till
end
