-- setup: what is fixed at the first start; a birth id other than before means that the store was emptied.
-- KEYS[1] setup   ARGV shards format birth   -> {shards, format, birth} as they stand
redis.call('DEL', KEYS[1] .. ':none')
redis.call('HSETNX', KEYS[1], 'shards', ARGV[1])
redis.call('HSETNX', KEYS[1], 'format', ARGV[2])
redis.call('HSETNX', KEYS[1], 'birth', ARGV[3])
return redis.call('HMGET', KEYS[1], 'shards', 'format', 'birth')
