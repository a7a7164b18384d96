-- Ends and notices: each update id has exactly one end; ids that begin with `n` are notices and have none.
local NOTICE_LIMIT = 50

local function header(entry) return string.match(entry, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^\n]*)') end

local function finish(uids, kind)
  for uid in string.gmatch(uids, '[^+]+') do
    if string.byte(uid) ~= 110 then
      call('HINCRBY', P .. 'count', kind, 1)
      call('XADD', P .. 'ends', 'MAXLEN', '~', 1000, '*', 'u', uid, 'e', kind)
    end
  end
end

local function tell(chat, id, mid, raw)
  local lane = '?' .. chat
  id = string.gsub(id, '%+', '.') -- `+` joins ids, and only the first of them would begin with `n`
  if call('LLEN', P .. 'lane:' .. lane) < NOTICE_LIMIT then
    append(lane, 'n' .. id .. '|' .. num(now) .. '|0|' .. mid .. '|\n' .. raw)
  end
end

-- One notice of a kind for a chat and its occasion: written with what causes it, so durable and made once.
local function notice(lane, mark, kind, seconds, mid)
  local chat = chat_of(lane)
  if call('SET', P .. 'notice:' .. chat .. ':' .. mark, 1, 'NX', 'EX', seconds) then
    tell(chat, mark, mid, string.format('{"kind":"%s","lane":"%s","mid":%s}', kind, lane, mid))
  end
end
