-- parts: windows holds
-- usage: what is used and held in windows.
-- KEYS[1] held   ARGV scope unit window …   -> {used, held, opened ms, resets ms, …}; both 0: it opens with its next use.
sweep()
local out = {}
for i = 1, #ARGV, 3 do
  local w = look(ARGV[i], ARGV[i + 1], ARGV[i + 2])
  local closed = w.fresh and LENGTH[ARGV[i + 2]]
  for _, value in ipairs({ w.used, w.held, closed and 0 or w.opened, closed and 0 or w.resets }) do
    out[#out + 1] = num(value)
  end
end
return out
