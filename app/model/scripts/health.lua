-- health: all that is known of keys and endpoints.
-- KEYS[1] health   -> {now ms, field, record, field, record …}; a record as in parts/record.lua.   Changes nothing.
local clock = redis.call('TIME')
local found = redis.call('HGETALL', KEYS[1])
table.insert(found, 1, string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000)))
return found
