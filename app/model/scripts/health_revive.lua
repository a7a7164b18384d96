-- parts: record
-- health_revive: a person may have healed this key: it returns now, one request at first.
-- KEYS[1] health   ARGV field   -> record or ''.   A key that is only busy stays as it is.
local text = redis.call('HGET', KEYS[1], ARGV[1])
local r = load(text)
if not text or r.why == 'busy' or now >= r.upto then return text or '' end
r.upto, r.gen, r.count, r.why, r.slot, r.used = now, now, 0, 'busy', 0, 0
save(ARGV[1], r)
return dump(r)
