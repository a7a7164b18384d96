-- A mark whose send certainly did not happen is taken back: one doubtful send less of that part.
local function takeback(turn, op)
  if op == '' then return end
  local fields = call('HGETALL', turn)
  for i = 1, #fields, 2 do
    local k, marked = string.match(fields[i + 1], '^%?(%d+):(.*)$')
    if k and marked == op and string.sub(fields[i], 1, 2) == 'm:' then
      if tonumber(k) > 1 then
        call('HSET', turn, fields[i], '?' .. num(k - 1) .. ':')
      else
        call('HDEL', turn, fields[i])
      end
    end
  end
end
