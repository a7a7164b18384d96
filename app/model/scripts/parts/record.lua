-- record: a field of the health hash, `until ms:gen:count:why:slot:used`.
--   until  left alone before this        gen    when it was last cooled (ms): tells a request from before from one after
--   count  failures in a row             slot, used  what a returning key has given out; of an endpoint: its probe's end
redis.call('DEL', KEYS[1] .. ':none')
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local DAY = 86400000
local MOST = 31 * DAY -- no endpoint's window is longer than a month

-- An `until` beyond all windows was written by mistake (a header that was believed, a clock that stood wrong), so it is
-- no record at all: one request finds out what is true, and is all that this can cost.
local function load(text)
  local a, b, c, why, d, e = string.match(text or '', '^(%d+):(%d+):(%d+):(%a*):(%d+):(%d+)$')
  if not a or tonumber(a) > now + MOST + DAY then
    return { upto = 0, gen = 0, count = 0, why = '', slot = 0, used = 0 }
  end
  return { upto = tonumber(a), gen = tonumber(b), count = tonumber(c), why = why, slot = tonumber(d), used = tonumber(e) }
end

local function dump(r)
  return string.format('%.0f:%.0f:%.0f:%s:%.0f:%.0f', r.upto, r.gen, r.count, r.why, r.slot, r.used)
end

local function save(field, r)
  redis.call('HSET', KEYS[1], field, dump(r))
  redis.call('PEXPIRE', KEYS[1], MOST + 2 * DAY) -- longer than any record says
end
