-- parts: record
-- health_cool: it failed, and is left alone for a while: as long as was asked, else 1, 2, 4 … times `first`.
-- KEYS[1] health   ARGV field, gen, why, wait ms (0: not said), first ms, most ms, tolerated   -> {record, 1 if it cooled}
-- Whoever asked before the last cooling (an older gen) tells nothing new, but for a later end: a burst of refusals
-- counts once, and so does a repetition. What a person must heal (why other than `busy`) always counts.
local field, gen, why, wait = ARGV[1], tonumber(ARGV[2]), ARGV[3], math.min(tonumber(ARGV[4]), MOST)
local r = load(redis.call('HGET', KEYS[1], field))
local worse = why ~= r.why and why ~= 'busy'
local cooled = 0
if worse or (gen >= r.gen and now >= r.upto) then
  if why ~= r.why then r.count = 0 end
  if wait == 0 then r.count = math.min(r.count + 1, 40) end
  r.why = why
  local over = r.count - tonumber(ARGV[7])
  if wait > 0 or over > 0 then
    local pause = wait > 0 and wait or math.min(tonumber(ARGV[6]), tonumber(ARGV[5]) * 2 ^ (over - 1))
    r.upto, r.gen, r.slot, r.used, cooled = math.max(r.upto, now + pause), now, 0, 0, 1
  end
elseif wait > 0 then
  r.upto = math.max(r.upto, now + wait)
end
for _, other in ipairs(redis.call('HKEYS', KEYS[1])) do  -- keys that were taken away long ago, and mistakes
  local upto = tonumber(string.match(redis.call('HGET', KEYS[1], other), '^(%d+):') or 0)
  local gone = upto > 0 and upto + DAY < now or upto > now + MOST + DAY
  if gone and other ~= field then redis.call('HDEL', KEYS[1], other) end
end
save(field, r)
return { dump(r), cooled }
