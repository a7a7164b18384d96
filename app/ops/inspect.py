"""`lanekeeper status` and `lanekeeper check`: looks from outside, beside a bot that may be running."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from app.core.botapi import Telegram
from app.core.clock import Real
from app.core.durability import durability
from app.core.errors import StoreError
from app.core.redis import Stores, connect
from app.core.settings import Settings
from app.core.valkey import running
from app.ops.check import Checkup, Probe
from app.ops.recent import Recent
from app.ops.status import Reader, text


async def status(settings: Settings, bot: int, version: str, say: Callable[[object], None]) -> int:
    """Say how the bot is; 1 when that cannot be found out."""
    stores = _stores(settings)
    if stores is None:
        say(f"nothing runs: no embedded Valkey answers in {_shown(settings.data_dir)}, and REDIS_URL is not set")
        return 1
    try:
        reader = Reader(stores.work, bot, settings.shards, version, _model(settings))
        shot = await reader.read(await durability(stores.work))
        say(text(replace(shot, figures=await Recent(stores.work, bot, Real()).lines())))
    except StoreError as error:
        say(f"Redis does not answer: {error}")
        return 1
    finally:
        await stores.close()
    return 0


async def check(
    settings: Settings,
    telegram: Telegram | None,
    bot: int,
    probes: Sequence[Probe],
    doubts: Sequence[str],
    say: Callable[[object], None],
) -> int:
    """Say one line per finding; 1 when one of them keeps the bot from working."""
    stores = _stores(settings) if settings.redis_url else None
    checkup = Checkup(
        bot=telegram,
        redis=stores.work if stores else None,
        probes=probes,
        bot_id=bot,
        shards=settings.shards,
        group_mode=settings.group_mode,
        everyone=not settings.allow_ids,
        operators=len(settings.operator_ids),
        require_durable=settings.redis_durability == "require",
        doubts=doubts,
    )
    failed = False
    try:
        async for finding in checkup.run():
            failed = failed or finding.mark == "fail"
            say(finding)
    finally:
        if stores:
            await stores.close()
    return int(failed)


def _model(settings: Settings) -> str:
    """The model in words; only a running process knows the name of an endpoint's first."""
    if not settings.model_base_url:
        return "offline"
    return settings.model_name or "the endpoint's first"


def _stores(settings: Settings) -> Stores | None:
    url = settings.redis_url.get_secret_value() if settings.redis_url else running(settings.data_dir)
    return connect(url) if url else None


def _shown(path: Path) -> str:
    return path.name or str(path)
