-- Pauses: `pause` holds scope -> until|ver|policy|since|hold|author|reason, `resume` holds scope -> ver|cutoff.
local RESUME_MS = 2 * DAY * 1000

-- The scope of the pause that covers a lane, or nothing; `pauses` is a table of the hash.
local function covered(pauses, lane)
  if not ordinary(lane) then return nil end
  local chat, topic = chat_of(lane), topic_of(lane)
  if pauses[chat] then return chat end
  if topic and pauses[topic] then return topic end
  return nil
end

local function pairs_of(key)
  local out, flat = {}, call('HGETALL', P .. key)
  for i = 1, #flat, 2 do out[flat[i]] = flat[i + 1] end
  return out
end

local function record(value) return string.match(value, '^(%d+)|([%d.]+)|(%a*)|(%d+)|(%d+)|') end

-- Note the end of a pause; an earlier cut-off stays, since what it held may not have been looked at yet.
local function resumed(scope, ver, cutoff)
  local noted = call('HGET', P .. 'resume', scope)
  cutoff = math.max(cutoff, noted and tonumber(string.match(noted, '|(%d+)$')) or 0)
  call('HSET', P .. 'resume', scope, ver .. '|' .. (cutoff > 0 and num(cutoff) or ''))
  call('ZADD', P .. 'later', num(now + RESUME_MS), '~' .. scope)
end

-- End a pause: its held lanes go back with their rank; what it held for longer than `hold` is cut off.
local function lift(scope, value, ver)
  local till, old, _, since, hold = record(value)
  local ended = tonumber(till) > 0 and math.min(now, tonumber(till)) or now
  local long = tonumber(hold) > 0 and ended - tonumber(since) > tonumber(hold)
  call('HDEL', P .. 'pause', scope)
  resumed(scope, ver or old, long and ended - tonumber(hold) or 0)
  for lane, signal in pairs(pairs_of('signals')) do
    if string.sub(signal, 1, 4) == 'hold' and covered({ [scope] = true }, lane) then
      call('HDEL', P .. 'signals', lane)
    end
  end
  local held = call('ZRANGE', P .. 'held:' .. scope, 0, -1, 'WITHSCORES')
  for i = 1, #held, 2 do call('ZADD', P .. 'ready', held[i + 1], held[i]) end
  call('DEL', P .. 'held:' .. scope)
end
