-- parts: record
-- health_probe: whether the caller is the one that tries an endpoint whose pause is over.
-- KEYS[1] health   ARGV field, ms after which another may, should nothing be heard of this probe   -> 1 or 0
-- A repetition answers 0: then the next probe comes those ms later.
local text = redis.call('HGET', KEYS[1], ARGV[1])
local r = load(text)
if not text then return 1 end
if now < math.max(r.upto, r.slot) then return 0 end
r.slot = now + tonumber(ARGV[2])
save(ARGV[1], r)
return 1
