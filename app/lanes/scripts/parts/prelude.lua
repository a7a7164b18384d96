-- What every lane script begins with. KEYS[1] is the shard's `ready` key: it routes the call and gives the prefix.
-- A script cannot be rolled back: validate and read first, write after.
local call = redis.call
local P = string.sub(KEYS[1], 1, -6)
local clock = call('TIME')
local micros = clock[1] * 1000000 + clock[2]
local now = math.floor(micros / 1000)
local DAY = 86400

-- Lua's `..` prints 14 digits: tokens made within 100 µs would collide.
local function num(value) return string.format('%.0f', value) end

local function chat_of(lane) return string.match(lane, '^[!?]?([^:]*)') end

local function topic_of(lane) return string.match(lane, '^([^:]*:t%d+)') end

local function ordinary(lane)
  local mark = string.byte(lane)
  return mark ~= 33 and mark ~= 63 -- not `!`, not `?`
end

-- While memory is full Redis refuses a script's first growing write and lets the rest through; this one never grows.
local function unrefused() call('DEL', P .. 'none') end
