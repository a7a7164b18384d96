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

-- One notice of a kind for a chat and its occasion: written with what causes it, so durable and made once. `raw` is the
-- update that it is about: the first language in it is that of whoever wrote it (in a text its quotes were escaped).
local function notice(lane, mark, kind, seconds, mid, raw)
  local chat = chat_of(lane)
  if call('SET', P .. 'notice:' .. chat .. ':' .. mark, 1, 'NX', 'EX', seconds) then
    local language = string.match(raw, '"language_code"%s*:%s*"([%w_-]+)')
    local said = language and ',"language":"' .. string.sub(language, 1, 16) .. '"' or ''
    tell(chat, mark, mid, string.format('{"kind":"%s","lane":"%s","mid":%s%s}', kind, lane, mid, said))
  end
end
