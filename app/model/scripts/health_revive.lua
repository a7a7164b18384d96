-- parts: record
-- health_revive: a person may have healed this key: it returns now, one request at first.
-- KEYS[1] health   ARGV field, far ms   -> record or ''.   A key that is only busy stays so, unless its end is that far.
local text = redis.call('HGET', KEYS[1], ARGV[1])
local r = load(text)
if not text or now >= r.upto or (r.why == 'busy' and r.upto - now <= tonumber(ARGV[2])) then return text or '' end
r.upto, r.gen, r.count, r.why, r.slot, r.used = now, now, 0, 'busy', 0, 0
save(ARGV[1], r)
return dump(r)
