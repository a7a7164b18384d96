-- Every lane of a chat in which people are answered: those in its index have a suffix.
local function lanes_of(chat)
  local lanes = call('ZRANGE', P .. 'lanes:' .. chat, 0, -1)
  lanes[#lanes + 1] = chat
  return lanes
end
