"""A local Bot API server and its chat page on one port: `Simulator` starts and stops both.

Honest where it matters: the rules, limits and error texts are Telegram's, update ids begin at the Unix time, message
and update counters go on after a restart, also after SIGKILL. Flood limits (limits.py) hold unless `strict=False` (or
`{"strict": false}` posted to /faults); a single 429 is asked for as a fault. Bots see all group messages
(`can_read_all_group_messages`), so that the bot itself decides whom it answers; `reads_all=False` switches Telegram's
privacy mode on.
"""

import asyncio
import errno
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
from aiohttp import web

from simulator import methods, seed
from simulator.answers import cut, given, good, refused
from simulator.faults import Fault, Faults
from simulator.methods import Args
from simulator.polls import LONGEST_WAIT, WEBHOOK, WEBHOOK_SET, Polls
from simulator.records import Bot, Refusal
from simulator.routes import Routes, local, reply
from simulator.shelf import Shelf
from simulator.store import Store, Unusable
from simulator.world import World

__all__ = ["Simulator", "Unheard", "Unusable"]

PORTS_TRIED = 50
MOST_BODY = 50 << 20
SHOWN = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  who listens everywhere is visited here


class Unheard(Unusable):
    """There is no such address on this machine, or no port is free there."""

    def __init__(self, about: str, problem: OSError) -> None:
        super().__init__((problem.strerror or str(problem)).rpartition(": ")[2].lower())
        self.about = about


class Simulator:
    """One world, its bots and its people. `port` is where it begins to look for a free one; 0 takes any.

    `tags` maps people to a word that the page shows beside their names, such as `{1001: "operator"}`; it may be changed
    at any time.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int,
        token: str,
        *,
        host: str = "127.0.0.1",
        strict: bool = True,
        reads_all: bool = True,
        tags: Mapping[int, str] | None = None,
    ) -> None:
        self.host, self.port, self.token, self.strict, self.reads_all = host, port, token, strict, reads_all
        self.world = World(int(token.partition(":")[0]))
        self.tags = self.world.tags
        self.tags.update(tags or {})
        self.faults = Faults()
        self._store = Store(data_dir)
        self._shelf = Shelf(data_dir / "simulator" / "files", self.world)
        self._routes = Routes(self.world, self._shelf)
        self._polls: dict[int, Polls] = {}
        self._runner: web.AppRunner | None = None

    def __repr__(self) -> str:
        return f"<Simulator {self.host}:{self.port} {len(self.world.people)} people, {len(self.world.chats)} chats>"

    @property
    def api_url(self) -> str:
        """Base of the Bot API: methods are at `<api_url>/bot<token>/<method>`."""
        return self.page_url

    @property
    def page_url(self) -> str:
        """Where a person chats."""
        host = SHOWN.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def start(self) -> None:
        """Reads the world from disk, or makes the first one, and listens; Unusable when that cannot be."""
        try:
            self._store.open(self.world)
            self._shelf.open()
            self._settle()
            await self._listen()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Answers what waits, stops listening, ends the journal."""
        for polls in self._polls.values():
            polls.release()
        self._routes.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._store.close()

    def add_bot(
        self, token: str, first_name: str = "Lanekeeper", username: str = "lanekeeper_bot", *, talks: bool = False
    ) -> Bot:
        """Makes a bot known, in no group yet unless it was before; those with `talks` hear each other."""
        bot = seed.bot(self.world, token, first_name, username)
        if (bot.reads_all, bot.talks) != (self.reads_all, talks):
            bot.reads_all, bot.talks = self.reads_all, talks
            self.world.put(bot)
        self._polls[bot.id] = Polls(self.world.queue(bot.id), self.world.now, time.monotonic)
        return bot

    def limit(self, on: bool) -> None:
        """Switches Telegram's flood limits on or off."""
        self.world.limits = {} if on else None

    def _settle(self) -> None:
        if not self.world.people:
            seed.first_run(self.world)
        known = self.world.main in self.world.bots
        self.add_bot(self.token)
        if not known:
            seed.join(self.world, self.world.main)
        self.limit(self.strict)

    async def _listen(self) -> None:
        app = web.Application(client_max_size=MOST_BODY)
        app.add_routes(self._routes.table())
        app.router.add_route("*", "/faults", self._serve_faults)
        app.router.add_route("*", "/bot{token:[^/]*}/{method:.*}", self._serve_bot)
        app.router.add_route("GET", "/file/bot{token:[^/]*}/{path:.*}", self._serve_file)
        runner = self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        for port in range(self.port, self.port + PORTS_TRIED):
            site = web.TCPSite(runner, self.host, port)
            try:
                await site.start()
            except OSError as problem:
                if problem.errno != errno.EADDRINUSE:
                    raise Unheard("host", problem) from None
                if port == self.port + PORTS_TRIED - 1:
                    raise Unheard("port", problem) from None
            else:
                self.port = runner.addresses[0][1]
                return

    async def _serve_faults(self, request: web.Request) -> web.Response:
        if not local(request) or (request.method == "POST" and request.content_type != "application/json"):
            return reply({"error": "Only JSON from this machine"}, 403)
        if request.method == "DELETE":
            self.faults.clear()
            self.limit(self.strict)
        elif request.method == "POST":
            try:
                self._order(await request.read())
            except msgspec.MsgspecError as problem:
                return reply({"error": str(problem)}, 400)
        return reply({"faults": self.faults.coming, "strict": self.world.limits is not None})

    def _order(self, body: bytes) -> None:
        given = msgspec.json.decode(body)
        if isinstance(given, dict) and "strict" in given:
            self.limit(bool(given["strict"]))
            return
        self.faults.add(*msgspec.convert(given if isinstance(given, list) else [given], list[Fault]))

    async def _serve_bot(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        try:
            bot = self._bot(request.match_info["token"])
            args = Args(await given(request))
        except Refusal as refusal:
            return refused(refusal)
        fault = self.faults.take(method, args.number("chat_id"))
        if fault is None:
            return await self._answer(bot, method, args)
        return await self._break(request, fault, lambda: self._answer(bot, method, args))

    async def _serve_file(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a file_path; whoever has the address has the token, so it must not go further than the bot."""
        try:
            self._bot(request.match_info["token"])
        except Refusal as refusal:
            return refused(refusal)
        fault = self.faults.take("file", 0)
        if fault is None:
            return await self._file(request)
        return await self._break(request, fault, lambda: self._file(request))

    async def _file(self, request: web.Request) -> web.Response:
        return self._routes.uploads.fetch(request.match_info["path"]) or refused(Refusal("Not Found", 404))

    async def _answer(self, bot: Bot, method: str, args: Args) -> web.Response:
        try:
            if method.lower() == "getupdates":
                return good(b"[" + b",".join(await self._get_updates(bot, args)) + b"]")
            result, words = methods.call(self.world, bot, method, args)
        except Refusal as refusal:
            return refused(refusal)
        if bot.webhook and method.lower() == "setwebhook":
            self._polls[bot.id].abort(WEBHOOK_SET)
        return good(msgspec.json.encode(result), words)

    async def _get_updates(self, bot: Bot, args: Args) -> list[bytes]:
        polls = self._polls[bot.id]
        if bot.webhook:
            raise await polls.conflict(WEBHOOK)
        methods.allow(self.world, bot, args)
        limit = min(max(args.number("limit") or 100, 1), 100)
        timeout = min(max(args.number("timeout"), 0), LONGEST_WAIT)
        return await polls.get(args.number("offset"), limit, timeout)

    async def _break(
        self, request: web.Request, fault: Fault, do: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        """Does with the call what the fault says; see faults.py."""
        if fault.kind == "flood":
            return refused(Refusal(f"Too Many Requests: retry after {fault.retry_after}", 429, fault.retry_after))
        if fault.kind == "error":
            words = {500: "Internal Server Error: restart", 502: "Bad Gateway"}.get(
                fault.status, "Internal Server Error"
            )
            return refused(Refusal(words, fault.status))
        if fault.kind == "slow" and not fault.after:
            await asyncio.sleep(fault.seconds)
        done = None
        if fault.after or fault.kind in {"torn", "garbage", "slow"}:
            done = await do()
        if fault.kind == "slow" and done is not None:
            await asyncio.sleep(fault.seconds if fault.after else 0)
            return done
        if fault.kind == "gateway":
            page = f"<html><body><h1>{fault.status} Bad Gateway</h1></body></html>"
            return web.Response(text=page, status=fault.status, content_type="text/html")
        if fault.kind == "garbage":
            return web.Response(text="<ok>", content_type="application/json")
        return await cut(request, done if fault.kind == "torn" else None)

    def _bot(self, token: str) -> Bot:
        """The bot of this token, or Telegram's 401."""
        if ":" not in token or not token.partition(":")[0].isdecimal():
            raise Refusal("Unauthorized: invalid token specified", status=401)
        bot = self.world.bots.get(int(token.partition(":")[0]))
        if bot is None or bot.token != token:
            raise Refusal("Unauthorized", status=401)
        return bot
