-- parts: record
-- health_well: a request that began at `gen` was answered: failures are counted anew, and what was ill is well.
-- KEYS[1] health   ARGV field, gen, seconds during which a key that has returned is spared (0: an endpoint)   -> record or ''
-- Whoever asked before the last cooling says nothing about what came after it.   A repetition changes nothing.
local text = redis.call('HGET', KEYS[1], ARGV[1])
local r = load(text)
if not text or tonumber(ARGV[2]) < r.gen then return text or '' end
local spared = tonumber(ARGV[3]) * 1000
if spared > 0 and now < r.upto + spared then
  r.upto, r.count, r.why = math.min(r.upto, now), 0, 'busy'
  save(ARGV[1], r)
  return dump(r)
end
redis.call('HDEL', KEYS[1], ARGV[1])
return ''
