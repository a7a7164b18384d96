-- An album arrives in parts: `album:<lane>` holds its group, when the first part came, and until when it settles, in ms.
local SETTLE_MS, SETTLE_MOST_MS, ALBUM_MS = 1500, 5000, 15000

local function is_album(group) return string.byte(group) == 97 end -- `a<media group>`

-- When the first part of this album came, and until when it settles; nothing if the lane's latest album is another.
local function album(lane, group)
  local known, first, till = string.match(call('MGET', P .. 'album:' .. lane)[1] or '', '^(.*)|(%d+)|(%d+)$')
  if known ~= group then return nil end
  return tonumber(first), tonumber(till)
end

-- A part came: the end of the settling, counted anew from now, but not beyond its most.
local function settle(lane, group)
  local first = album(lane, group) or now
  local till = math.min(now + SETTLE_MS, first + SETTLE_MOST_MS)
  call('SET', P .. 'album:' .. lane, table.concat({ group, num(first), num(till) }, '|'), 'PX', ALBUM_MS)
  return till
end
