"""/status, durability and `check` on a real Valkey."""

from dataclasses import replace

from redis.asyncio import Redis

from app.core import keys
from app.core.durability import durability
from app.core.redis import connect
from app.ops.check import Checkup
from app.ops.status import Reader
from tests.support.valkey import Valkey

BOT = 7


async def test_everything_in_redis_is_counted_over_all_shards(redis: Redis) -> None:
    seconds, micros = await redis.time()
    now = seconds * 1_000_000 + micros
    one, two = keys.shard_prefix(BOT, 0), keys.shard_prefix(BOT, 3)
    await redis.zadd(one + "ready", {"1": now - 2_000_000, "2": now})
    await redis.zadd(two + "ready", {"3": now - 1_000_000})
    await redis.zadd(two + "leases", {"4": 1})
    await redis.zadd(two + "later", {"5": 1, "~9": 2, "~8": 3})
    await redis.zadd(two + "held:9", {"9": 1, "9:t2": 2})
    await redis.zadd(one + "dead", {"1/5": 1})
    await redis.hset(two + "pause", "9", "5000|1.1|hold|1000|900000|Ann|a | b")
    await redis.hset(two + "resume", "8", "1.1|")
    await redis.zadd(keys.processes(BOT), {"a": 1, "b": 2})
    await redis.set(keys.poller(BOT), "a")

    shot = await Reader(redis, BOT, 4, "1", "offline").read()

    assert (shot.waiting, shot.live, shot.later, shot.held, shot.dead) == (3, 1, 1, 2, 1)
    assert (shot.processes, shot.poller) == (2, True)
    assert 2000 <= shot.oldest_ms < 12_000
    (pause,) = shot.pauses
    assert (pause.scope, pause.until_ms, pause.author, pause.reason) == ("9", 5000, "Ann", "a | b")


async def test_an_empty_store_is_a_quiet_bot(redis: Redis) -> None:
    shot = await Reader(redis, BOT, 16, "1", "offline").read()
    assert (shot.waiting, shot.live, shot.oldest_ms, shot.processes, shot.poller) == (0, 0, 0, 0, False)


async def test_each_way_to_forget_has_its_sentence(durable: Valkey) -> None:
    client = connect(durable.url).work
    assert await durability(client) == []
    await client.config_set("appendfsync", "everysec")
    assert await durability(client) == ["appendfsync is everysec: a power loss may forget the last second"]
    await client.config_set("maxmemory-policy", "allkeys-lru")
    assert "maxmemory-policy is allkeys-lru" in (await durability(client))[1]
    await client.config_set("maxmemory-policy", "noeviction")
    await client.config_set("appendonly", "no")
    assert "nothing is kept on disk" in (await durability(client))[0]
    await client.config_set("save", "60 1")
    assert "newer than its last snapshot" in (await durability(client))[0]
    await client.aclose()


async def test_a_server_that_hides_its_settings_is_not_called_safe(durable: Valkey) -> None:
    client = connect(durable.url).work
    await client.acl_setuser("shy", enabled=True, nopass=True, keys=["*"], categories=["+all"], commands=["-config"])
    await client.aclose()
    shy = connect(durable.url.replace("unix://", "unix://shy:x@")).work
    (line,) = await durability(shy)
    assert "cannot see appendfsync" in line
    await shy.aclose()


async def test_check_sees_too_old_shards_and_risks(redis: Redis) -> None:
    await redis.hset(keys.setup(BOT), "shards", "8")
    checkup = Checkup(bot=None, redis=redis, probes=(), bot_id=BOT, shards=16)
    said = [str(finding) async for finding in checkup.run()]
    assert any(line.startswith("ok    Redis ") for line in said)
    assert any(line.startswith("warn  Redis: ") and "nothing is kept on disk" in line for line in said)
    assert "fail  SHARDS=16: this Redis was set up with 8; set SHARDS=8" in said
    strict = [str(finding) async for finding in replace(checkup, require_durable=True).run()]
    assert any(line.startswith("fail  Redis: ") for line in strict)


async def test_check_names_a_redis_that_is_not_there() -> None:
    stores = connect("unix:///nonexistent/socket")
    checkup = Checkup(bot=None, redis=stores.work, probes=(), bot_id=BOT, shards=16)
    said = [str(finding) async for finding in checkup.run()]
    assert any(line.startswith("fail  Redis: ") for line in said)
    await stores.close()
