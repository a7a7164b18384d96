-- parts: record
-- health_admit: how many requests may begin on a key that has returned: 1 at once, twice as many each second, then all.
-- KEYS[1] health   ARGV field, wanted, seconds until all   -> {granted, ms until more, how many then}
-- A repetition only wastes what was granted.
local field, wanted = ARGV[1], tonumber(ARGV[2])
local text = redis.call('HGET', KEYS[1], field)
local r = load(text)
if now < r.upto then return { 0, math.ceil(r.upto - now), 1 } end
local age = math.floor((now - r.upto) / 1000)
if not text or age >= tonumber(ARGV[3]) then return { wanted, 0, 0 } end
if r.slot ~= age then r.slot, r.used = age, 0 end
local granted = math.max(0, math.min(wanted, 2 ^ age - r.used))
r.used = r.used + granted
save(field, r)
return { granted, math.ceil(r.upto + (age + 1) * 1000 - now), 2 ^ (age + 1) }
