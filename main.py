"""Lanekeeper: `build` is the table of contents, `live` a process's life, and below them stands the command line."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import structlog
import uvloop

from app.chain.bot import Bot
from app.chain.compose import Handler, compose
from app.chain.dispatch import Dispatch
from app.chain.router import Router
from app.core import words
from app.core.botapi import Telegram
from app.core.clock import Clock, Real
from app.core.connections import Connections
from app.core.errors import ModelError, SettingsError, StoreDown, Unauthorised
from app.core.redis import Stores, connect
from app.core.schema import Me
from app.core.settings import Settings, load
from app.core.triage import Policy, triage
from app.ingress.polling import Polling
from app.lanes.hints import Hints
from app.lanes.lanes import Lanes
from app.lanes.pipe import Pipe
from app.lanes.presence import Presence
from app.lanes.shards import served
from app.model.choose import choose
from app.model.offline import Offline
from app.model.openai import Endpoint
from app.model.persona import SYSTEM_PROMPT
from app.ops import inspect, logs
from app.ops.bypass import Bypass
from app.ops.control import Control
from app.ops.metrics import Metrics
from app.ops.start import introduce, menu, risks
from app.ops.status import Reader
from app.outbox.outbox import Outbox
from app.outbox.pacing import Pace, Permits
from app.outbox.sender import Sender
from app.runner.leases import Leases
from app.runner.runner import Runner
from app.runner.service import Service
from handlers.commands import Commands
from handlers.fallback import Fallback
from handlers.notices import Notices, entry
from handlers.operator import Operator
from handlers.reply import Reply
from middleware.access import Access
from middleware.boundary import Boundary
from middleware.deadline import Deadline
from middleware.observe import Observe
from middleware.pause import Pause
from middleware.prefix import Prefix
from middleware.sanitise import Sanitise
from middleware.throttle import Throttle

EX_CONFIG = 78
DEMO_TOKEN = "424242:simulator"  # noqa: S105  the simulator's own, worth nothing elsewhere
VERSION = version("lanekeeper")


@dataclass(frozen=True, slots=True)
class Seams:
    """What touches the world: the only thing that differs between demo, tests and production."""

    stores: Stores
    connections: Connections
    telegram: Telegram
    model: Endpoint | Offline
    clock: Clock
    page: str = ""
    """Address of the simulator's chat page."""
    operators: frozenset[int] = frozenset()
    """Who commands; in the demo somebody must."""
    guard: Callable[[], Coroutine[Any, Any, None]] | None = None
    """Starts the embedded Valkey again should it die."""


def build(settings: Settings, seams: Seams, me: Me, args: argparse.Namespace) -> Bot:
    """Put the bot together. Read this first: it reads in the way of one update."""
    log, clock, metrics = structlog.get_logger(), seams.clock, Metrics(VERSION)

    def report(line: str, error: Exception | None = None) -> None:
        log.error(line, error=f"{type(error).__name__}: {error}" if error else None)

    pipe = Pipe(seams.stores.work, clock, log.warning, metrics.refused)
    lanes = make_lanes(settings, pipe, clock, me)
    hints = Hints(seams.stores.wait, me.id, clock)
    policy = Policy(settings.lane_scope, settings.lane_limit, round(settings.stale_minutes * 60_000))
    polling = Polling(
        seams.telegram, lanes, lambda raw: triage(raw, me, policy), clock, metrics, hints.tell, lanes.lease_seconds
    )
    runner = Runner(lanes, served(settings.shards, args.shards), settings.concurrency, clock, report, notice=entry)
    leases = Leases(lanes, runner.turns, clock, report)
    polling.kick = hints.on_wake = runner.kick
    hints.on_signal = runner.turns.deliver
    control = Control(lanes, runner, hints, round(settings.hold_minutes * 60_000), settings.pause_policy)
    runner.on_star, polling.full = control.observe, Bypass(control, seams.operators, settings.lane_scope, clock).obey
    sender = Sender(seams.connections, seams.telegram)
    pace = Pace.of(settings.pace_global_per_second, settings.pace_chat_per_second, settings.pace_group_per_minute)
    outbox = Outbox(lanes, sender, Permits(lanes, pace.everywhere_ms, clock), pace, clock, metrics, report, log.debug)
    runner.work = Dispatch(onion(settings, seams, me, metrics, control, sender, outbox), Notices(outbox, lanes), me)
    metrics.watch(live=lambda: len(runner.turns), waiting=runner.waiting)
    presence = Presence(lanes, clock, lambda alone: setattr(hints, "alone", alone), log.error)
    reader = Reader(seams.stores.work, me.id, settings.shards, VERSION, seams.model.name)
    roles = frozenset({"ingress", "worker"} if args.role == "all" else {args.role})
    bot = Bot(pipe, runner, leases, polling, hints, presence, sender, metrics, reader, roles)
    control.describe = bot.status
    return bot


def make_lanes(settings: Settings, pipe: Pipe, clock: Clock, me: Me) -> Lanes:
    """The protocol, under a worker name that no other process start has."""
    return Lanes(
        pipe,
        clock,
        bot=me.id,
        shards=settings.shards,
        worker=secrets.token_hex(4),
        lease_seconds=settings.lease_seconds,
        attempts=settings.attempts,
        session_seconds=round(settings.session_days * 86_400),
        group_mode=settings.group_mode,
    )


def onion(
    settings: Settings, seams: Seams, me: Me, metrics: Metrics, control: Control, sender: Sender, outbox: Outbox
) -> Handler:
    """What every message passes through, outermost first, and who answers it."""
    turns, tokens = settings.history_turns, settings.history_tokens
    commands = Commands(outbox, greeting=words.START.format(name=me.first_name), operators=seams.operators)
    operator = Operator(control, outbox, sender, seams.clock, operators=seams.operators, scope=settings.lane_scope)
    return compose(
        [
            Observe(metrics, level=settings.log_level),  # counts what happens, whatever happens
            Boundary(outbox, seams.clock, history_turns=turns, history_tokens=tokens),  # errors become ends
            Pause(),  # gives a running turn back; the scripts are the gate
            Access(settings.allow_ids, seams.operators),  # who may talk with the bot
            Prefix(settings.ignore_prefix),  # what is not meant for it
            Sanitise(outbox, me.username, emoji=settings.emoji),  # controls, tags, its own mention
            Throttle(settings.user_messages_per_minute, seams.operators),  # who writes too fast
            Deadline(settings.turn_seconds),  # a turn may take this long
        ],
        Router(
            {**commands.routes(), **operator.routes()},
            default=Reply(
                seams.model,
                outbox,
                metrics,
                system=settings.system_prompt or SYSTEM_PROMPT,
                history_turns=turns,
                history_tokens=tokens,
            ),
            other=Fallback(outbox),
            hint=commands.hint,
        ),
    )


@contextlib.asynccontextmanager
async def world(settings: Settings) -> AsyncIterator[Seams]:
    """The seams as the settings ask for them; what is not set is embedded, and said."""
    log, clock, page, guard = structlog.get_logger(), Real(), "", None
    operators = settings.operator_ids
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
        model = choose(settings, connections, clock)
        if not settings.model_base_url:
            log.info("offline model, since MODEL_BASE_URL is not set")
        telegram = Telegram(connections, secret, base)
        yield Seams(stores, connections, telegram, model, clock, page, operators, guard)


async def live(settings: Settings, args: argparse.Namespace, service: Service) -> None:
    """A process's life: the world, the bot, its pages, its loops, its farewell."""
    async with contextlib.AsyncExitStack() as stack:
        seams = await stack.enter_async_context(world(settings))
        me = await introduce(Sender(seams.connections, seams.telegram), seams.clock)
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
            beneath = [group.create_task(loop()) for loop in (bot.pipe.run, seams.guard) if loop]
            await bot.presence.begin(alone=seams.guard is not None)
            bot.risks.extend(await risks(seams.stores.work, strict=settings.redis_durability == "require"))
            await choose_name(seams)
            await menu(bot.sender, words.MENU, words.MENU_OPERATOR, seams.operators)
            log.info("ready", bot=f"@{me.username}", version=VERSION, model=seams.model.name)
            if seams.page:
                print(seams.page, flush=True)
            await service.run(bot.loops(), lambda: bot.farewell(settings.drain_seconds, service.hurry))
            for task in beneath:
                task.cancel()


async def choose_name(seams: Seams) -> None:
    """Find out which model there is; one that is down now is asked again by the first question."""
    try:
        await seams.model.start()
    except ModelError as error:
        structlog.get_logger().warning("the model does not answer", why=str(error))


async def serve(settings: Settings, args: argparse.Namespace) -> None:
    """Live until a signal asks for the end."""
    service = Service()
    service.listen()
    life = asyncio.create_task(live(settings, args, service))
    stop = asyncio.create_task(service.stop.wait())
    await asyncio.wait({life, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if service.running or life.done():
        return await life
    life.cancel()  # asked to stop while still starting: nothing has begun that would need an end
    with contextlib.suppress(asyncio.CancelledError):
        await life


async def look(settings: Settings, verb: str) -> int:
    """`status` and `check`."""
    token = settings.telegram_bot_token
    secret = token.get_secret_value() if token else DEMO_TOKEN
    bot = int(secret.partition(":")[0])
    if verb == "status":
        return await inspect.status(settings, bot, VERSION, print)
    async with Connections(4) as connections:
        telegram = Telegram(connections, secret, settings.telegram_api_base_url) if token else None
        model = choose(settings, connections, Real()) if settings.model_base_url else None
        return await inspect.check(settings, telegram, bot, model, print)


def arguments() -> argparse.ArgumentParser:
    """The command line; settings come from the environment and `.env`."""
    parser = argparse.ArgumentParser("lanekeeper", description="A Telegram bot that talks with a language model.")
    parser.add_argument("--version", action="version", version=f"lanekeeper {VERSION}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="run|status|check")
    run = verbs.add_parser("run", help="run the bot; with nothing set, a demo with a chat page of its own")
    run.add_argument("--role", choices=("all", "ingress", "worker"), default="all", help="what this process does")
    run.add_argument("--shard-ids", dest="shards", type=shard_ids, metavar="0,1,2", help="serve only these shards")
    verbs.add_parser("status", help="say how the bot is")
    verbs.add_parser("check", help="say in plain words what is wrong with the settings and what they name")
    return parser


def shard_ids(text: str) -> frozenset[int]:
    """The value of --shard-ids."""
    return frozenset(int(part) for part in text.split(","))


def cli() -> None:
    """The command `lanekeeper`."""
    args = arguments().parse_args()
    try:
        settings = load()
        logs.configure(settings.log_format, settings.log_level, settings.secrets())
        for line in settings.warnings:
            structlog.get_logger().warning(line)
        if args.verb == "run":
            uvloop.run(serve(settings, args))
        else:
            sys.exit(asyncio.run(look(settings, args.verb)))
    except* SettingsError as group:
        for line in SettingsError.lines_of(group.exceptions):
            print(f"lanekeeper: {line}", file=sys.stderr)
        sys.exit(EX_CONFIG)
    except* Unauthorised:
        sys.exit(EX_CONFIG)


if __name__ == "__main__":
    cli()
