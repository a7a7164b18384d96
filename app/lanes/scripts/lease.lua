-- lease: one process holds a right of the whole bot: take, renew, or give up.
-- KEYS[1] lease   ARGV owner ms (0 gives it up)   -> 1 held by the owner | 0
redis.call('DEL', KEYS[1] .. ':none')
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
