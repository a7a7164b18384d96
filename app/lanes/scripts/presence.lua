-- presence: a heartbeat, or with seconds 0 a farewell; who has not beaten for `seconds` is gone.
-- KEYS[1] processes   ARGV name seconds   -> processes that live
redis.call('DEL', KEYS[1] .. ':none')
local now = redis.call('TIME')[1] * 1000
local seconds = tonumber(ARGV[2])
if seconds == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
  local old = string.format('%.0f', now - seconds * 1000)
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', old)) do redis.call('ZREM', KEYS[1], gone) end
  redis.call('EXPIRE', KEYS[1], seconds)
end
return redis.call('ZCARD', KEYS[1])
