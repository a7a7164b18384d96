"""Lanekeeper: `build` is the table of contents, `live` a process's life, and below them stands the command line."""

from __future__ import annotations

from app.runner.hangup import hangup  # first: a SIGHUP must not kill while the rest is still being imported

# isort: split
import argparse
import asyncio
import contextlib
import gc
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import structlog
import uvloop

from app.chain import reading
from app.chain.bot import Bot
from app.chain.cast import cast_of, least, too_small
from app.chain.dispatch import Dispatch
from app.chain.figures import Figures
from app.chain.forget import Forget
from app.chain.look import look
from app.chain.move import Mover
from app.core import manual, words
from app.core.botapi import Telegram, bot_id
from app.core.clock import Clock, Real
from app.core.connections import Connections
from app.core.errors import SettingsError, StoreDown, Unauthorised
from app.core.redis import Stores, connect
from app.core.schema import Me
from app.core.settings import EXIT_CODE, Settings, load
from app.core.triage import Policy, triage
from app.ingress.polling import Polling
from app.lanes.chats import Chats
from app.lanes.hints import Hints
from app.lanes.lanes import Lanes
from app.lanes.pipe import Pipe
from app.lanes.presence import Presence
from app.lanes.shards import served
from app.model.choose import Models, choose
from app.model.persona import Cast
from app.ops import capacity, logs
from app.ops.alarm import Alarm
from app.ops.arguments import parser
from app.ops.bypass import Bypass
from app.ops.control import Control
from app.ops.gauges import Gauges
from app.ops.logs import Redactor
from app.ops.metrics import Metrics
from app.ops.recent import Recent
from app.ops.reload import Reload, files, rereads
from app.ops.start import introduce, menu, risks
from app.ops.status import Reader
from app.outbox.eyes import Eyes
from app.outbox.outbox import Outbox
from app.outbox.pacing import Pace, Permits
from app.outbox.post import Post
from app.outbox.sender import Sender
from app.runner.leases import Leases
from app.runner.runner import Runner
from app.runner.service import Service
from handlers.button import Button
from handlers.notices import Notices, Teller, entry
from handlers.table import Parts, table
from middleware.onion import onion

DEMO_TOKEN = "424242:simulator"  # noqa: S105  the simulator's own, worth nothing elsewhere
VERSION = version("lanekeeper")
GARBAGE = 50_000  # new objects between two searches for cycles; with Python's 700 these took a third of all CPU


@dataclass(frozen=True, slots=True)
class Seams:
    """What touches the world: the only thing that differs between demo, tests and production."""

    stores: Stores
    pipe: Pipe
    sender: Sender
    telegram: Telegram
    models: Models
    media: reading.Reader
    metrics: Metrics
    alarm: Alarm
    cast: Cast
    clock: Clock
    page: str = ""
    """Address of the simulator's chat page."""
    operators: frozenset[int] = frozenset()
    """Who commands; in the demo somebody must."""
    guard: Callable[[], Coroutine[Any, Any, None]] | None = None
    """Starts the embedded Valkey again should it die."""


def build(settings: Settings, seams: Seams, me: Me, args: argparse.Namespace) -> Bot:
    """Put the bot together. Read this first: it reads in the way of one update."""
    log, clock, metrics = structlog.get_logger(), seams.clock, seams.metrics

    def report(line: str, error: Exception | None = None) -> None:
        log.error(line, error=f"{type(error).__name__}: {error}" if error else None)

    pipe, sender = seams.pipe, seams.sender
    pipe.refused = metrics.refused
    lanes = Lanes(
        pipe,
        clock,
        bot=me.id,
        shards=settings.shards,
        worker=secrets.token_hex(4),  # a name that no other process start has
        lease_seconds=settings.lease_seconds,
        attempts=settings.attempts,
        session_seconds=round(settings.session_days * 86_400),
        group_mode=settings.group_mode,
    )
    hints = Hints(seams.stores.wait, me.id, clock)
    stale_ms = round(settings.stale_minutes * 60_000)
    merge = settings.merge_waiting == "private"
    policy = Policy(settings.lane_scope, settings.lane_limit, stale_ms, settings.ignore_prefix, merge)
    polling = Polling(
        seams.telegram, lanes, lambda raw: triage(raw, me, policy), clock, metrics, hints.tell, lanes.lease_seconds
    )
    runner = Runner(lanes, served(settings.shards, args.shards), settings.concurrency, clock, report, notice=entry)
    leases = Leases(lanes, runner.turns, clock, report)
    polling.kick = hints.on_wake = runner.kick
    hints.on_signal = runner.turns.deliver
    control = Control(lanes, runner, hints, round(settings.hold_minutes * 60_000), settings.pause_policy)
    runner.on_star, polling.full = control.observe, Bypass(control, seams.operators, settings.lane_scope, clock).obey
    pace = Pace.of(settings.pace_global_per_second, settings.pace_chat_per_second, settings.pace_group_per_minute)
    permits = Permits(lanes, pace.everywhere_ms, clock)
    outbox = Outbox(Post(lanes, sender, permits, pace, clock, metrics, report, log.debug), settings.stream)
    eyes = Eyes(lanes, sender, permits, pace, clock, runner.turns.claims, log.debug)
    figures = Figures(seams.models, seams.models.charges, settings.quota_bot, clock, least(settings, seams.cast))
    teller, recent = Teller(lanes, runner.kick), Recent(seams.stores.work, me.id, clock)
    chats, models = Chats(lanes), seams.models
    forget, mover = Forget(chats, runner, hints), Mover(chats, clock, runner.kick, models.ledger.move)
    runner.on_move = outbox.post.on_move = mover.go
    control.origins = chats.origins
    parts = Parts(
        me, outbox, sender, control, figures, models, seams.cast, teller, seams.media, metrics, forget, clock,
        seams.operators,
    )  # fmt: skip
    metrics.show(Gauges(models, settings.quota_bot, clock, metrics.asked_with))
    router, groups = table(settings, parts)
    chain = onion(settings, me, outbox, teller, recent, metrics, clock, seams.operators, router)
    button = Button(control, scope=settings.lane_scope)
    language = settings.group_language
    notices = Notices(outbox, lanes, recent, language)
    runner.work = Dispatch(chain, notices, me, groups.changed, button, mover.begin, language)
    metrics.watch(live=lambda: len(runner.turns), waiting=runner.waiting)
    presence = Presence(lanes, clock, lambda alone: setattr(hints, "alone", alone), log.error)
    reader = Reader(seams.stores.work, me.id, settings.shards, VERSION, seams.models.name)
    roles = frozenset({"ingress", "worker"} if args.role == "all" else {args.role})
    bot = Bot(pipe, runner, leases, polling, hints, presence, sender, metrics, reader, roles, figures, recent, eyes)
    if not me.can_read_all_group_messages:
        log.info(words.PRIVACY_STATUS)
        bot.notes.append(words.PRIVACY_STATUS)
    control.describe = bot.status
    return bot


@contextlib.asynccontextmanager
async def world(settings: Settings) -> AsyncIterator[Seams]:
    """The seams as the settings ask for them; what is not set is embedded, and said."""
    log, clock, metrics, page, guard = structlog.get_logger(), Real(), Metrics(VERSION), "", None
    operators = settings.operator_ids
    cast = cast_of(settings)
    for line in too_small(settings, cast):
        log.warning(line)
    async with contextlib.AsyncExitStack() as stack:
        url = settings.redis_url.get_secret_value() if settings.redis_url else ""
        if not url:
            from app.core.valkey import Valkey

            valkey = Valkey(settings.data_dir)
            stack.push_async_callback(valkey.close)
            try:
                await valkey.start()
            except StoreDown as error:
                raise SettingsError([str(error)]) from None
            url, guard = valkey.url, valkey.guard
            log.info("embedded Valkey, since REDIS_URL is not set", data=str(settings.data_dir))
        stores = connect(url)
        stack.push_async_callback(stores.close)
        token, base = settings.telegram_bot_token, settings.telegram_api_base_url
        secret = token.get_secret_value() if token else DEMO_TOKEN
        if not token:
            from simulator.server import Simulator, Unusable

            simulator = Simulator(settings.data_dir, settings.simulator_port, secret, host=settings.web_host)
            try:
                await simulator.start()
            except Unusable as error:
                name = {"host": "web_host", "port": "simulator_port"}.get(error.about, "data_dir")
                raise SettingsError([f"{name.upper()}={getattr(settings, name)}: {error}"]) from None
            stack.push_async_callback(simulator.close)
            base, page = simulator.api_url, simulator.page_url
            operators = operators if settings.chosen("operator_ids") else frozenset({min(simulator.world.people)})
            simulator.tags.update(dict.fromkeys(operators, "operator"))
            log.info("simulator in Telegram's place, since TELEGRAM_BOT_TOKEN is not set")
        connections = await stack.enter_async_context(Connections(settings.concurrency))
        pipe, telegram, bot = Pipe(stores.work, clock, log.warning), Telegram(connections, secret, base), bot_id(secret)
        sender = Sender(connections, telegram)
        alarm = Alarm(stores.work, bot, sender, operators)
        models = choose(
            settings, connections, clock, pipe, stores.work, bot,
            operators=operators, alarm=alarm, report=log.warning, count=metrics.keyed,
        )  # fmt: skip
        if not settings.model_base_url:
            log.info("offline model, since MODEL_BASE_URL is not set")
        media = reading.reader(settings, connections, telegram, models, clock)
        yield Seams(stores, pipe, sender, telegram, models, media, metrics, alarm, cast, clock, page, operators, guard)


async def live(settings: Settings, args: argparse.Namespace, service: Service, redactor: Redactor) -> None:
    """A process's life: the world, the bot, its pages, its loops, its farewell."""
    async with contextlib.AsyncExitStack() as stack:
        seams = await stack.enter_async_context(world(settings))
        me = await introduce(seams.sender, seams.clock)
        bot = build(settings, seams, me, args)
        log = structlog.get_logger()
        if not settings.allow_ids and not seams.page:
            log.warning("ALLOW_IDS is empty: everyone may use this bot, at its owner's expense")
        if settings.web_port:
            from app.ops.web import Pages

            pages = Pages(bot.metrics, poll_age=bot.poll_age, ready=bot.ready(), line=f"@{me.username} is running.")
            await pages.start(settings.web_host, settings.web_port, fixed=settings.chosen("web_port"))
            stack.push_async_callback(pages.close)
            log.info("pages for operators", host=settings.web_host, port=pages.port)
        async with asyncio.TaskGroup() as group:
            beneath = [group.create_task(loop()) for loop in (bot.pipe.run, seams.guard, seams.alarm.run) if loop]
            await bot.presence.begin(alone=seams.guard is not None)
            bot.risks.extend(await risks(seams.stores.work, strict=settings.redis_durability == "require"))
            await seams.models.begin()
            bot.reader = replace(bot.reader, model=seams.models.name)  # which may have been asked for just now
            reload = Reload(rereads(redactor), seams.models.reload, seams.clock, files, log.warning)
            hangup.obey(asyncio.get_running_loop(), reload.ask)
            beneath += [group.create_task(loop) for loop in (seams.models.run(), reload.run())]
            menus = menu(bot.sender, seams.clock, manual.menus, manual.MENU_OPERATOR, seams.operators)
            beneath.append(group.create_task(menus))
            gc.freeze()  # what stands now stays: no search looks through it again
            log.info("ready", bot=f"@{me.username}", version=VERSION, model=seams.models.name)
            if seams.page:
                print(seams.page, flush=True)
            await service.run(bot.loops(), lambda: bot.farewell(settings.drain_seconds, service.hurry))
            for task in beneath:
                task.cancel()


async def serve(settings: Settings, args: argparse.Namespace, redactor: Redactor) -> None:
    """Live until a signal asks for the end."""
    service = Service()
    service.listen()
    life = asyncio.create_task(live(settings, args, service, redactor))
    stop = asyncio.create_task(service.stop.wait())
    await asyncio.wait({life, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if service.running or life.done():
        return await life
    life.cancel()  # asked to stop while still starting: nothing has begun that would need an end
    with contextlib.suppress(asyncio.CancelledError):
        await life


def cli() -> None:
    """The command `lanekeeper`."""
    args = parser(VERSION).parse_args()
    if args.verb == "capacity":
        sys.exit(capacity.run(args, print))
    try:
        settings = load()
        redactor = logs.configure(settings.log_format, settings.log_level, settings.secrets())
        if args.verb == "run":
            for line in settings.warnings:
                structlog.get_logger().warning(line)
            gc.set_threshold(GARBAGE)
            uvloop.run(serve(settings, args, redactor))
        else:
            sys.exit(
                asyncio.run(look(settings, args.verb, VERSION, DEMO_TOKEN, lambda line: print(redactor(str(line)))))
            )
    except* SettingsError as group:
        for line in SettingsError.lines_of(group.exceptions):
            print(f"lanekeeper: {line}", file=sys.stderr)
        sys.exit(EXIT_CODE)
    except* Unauthorised:
        sys.exit(EXIT_CODE)


if __name__ == "__main__":
    cli()
