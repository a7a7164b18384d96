-- parts: windows holds
-- usage: what is used and held in windows.
-- KEYS[1] held   ARGV scope unit window …   -> {used, held, opened ms, resets ms, …}; opened 0: not used yet, and then
-- resets is 0 too, but for the calendar's windows.
sweep()
local out = {}
for i = 1, #ARGV, 3 do
  local w = look(ARGV[i], ARGV[i + 1], ARGV[i + 2])
  local opened, resets = w.opened, w.resets
  if w.fresh then opened, resets = 0, LENGTH[ARGV[i + 2]] and 0 or resets end
  for _, value in ipairs({ w.used, w.held, opened, resets }) do
    out[#out + 1] = num(value)
  end
end
return out
