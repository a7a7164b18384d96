"""The pages: /healthz, /readyz, /metrics and a front page, by Starlette on uvicorn inside our own loop.

uvicorn's signal handlers are left out: a signal belongs to the runner's drain. Import this module only when there are
pages; it costs 100 ms and some megabytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from html import escape
from typing import Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from app.core.errors import SettingsError

FRESH_SECONDS = 90.0  # a poll lasts up to 30 s; three of them may fail before a supervisor should act
READY_SECONDS = 2.0
STOP_SECONDS = 2
NEXT_PORTS = 50

Ready = Callable[[], Awaitable[str]]
"""Answers "" when all is well, else why not, in plain words."""

FRONT = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>:root{{color-scheme:light dark}}
body{{font:16px/1.6 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}}
dt{{font-family:ui-monospace,monospace}}dd{{margin:0 0 .6rem}}</style>
<h1>{title}</h1><p>{line}</p><dl>
<dt><a href="/healthz">/healthz</a></dt><dd>alive: how long ago Telegram was last asked</dd>
<dt><a href="/readyz">/readyz</a></dt><dd>ready: whether messages can be worked on</dd>
<dt><a href="/metrics">/metrics</a></dt><dd>figures for Prometheus</dd></dl></html>"""


class Figures(Protocol):
    """What /metrics shows."""

    async def look(self) -> None: ...
    def text(self) -> tuple[bytes, str]: ...


class Pages:
    """One web server; ``start`` binds the port, ``close`` lets requests under way finish.

    ``poll_age``: seconds since the last *completed* poll, None for a process that does not poll.
    """

    def __init__(
        self,
        figures: Figures,
        *,
        poll_age: Callable[[], float | None],
        ready: Mapping[str, Ready],
        title: str = "Lanekeeper",
        line: str = "This process is running.",
    ) -> None:
        self._figures = figures
        self._poll_age = poll_age
        self._ready = ready
        self._front = FRONT.format(title=escape(title), line=escape(line))
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.port = 0
        routes = [("/", self.front), ("/healthz", self.health), ("/readyz", self.readiness), ("/metrics", self.metrics)]
        self.app = Starlette(routes=[Route(path, page) for path, page in routes])

    async def start(self, host: str, port: int, *, fixed: bool = True) -> None:
        """Listen and set ``port``. One that is taken: SettingsError if ``fixed`` (it was chosen), else the next one."""
        bound = bind(host, port, 0 if fixed or not port else NEXT_PORTS)
        self.port = bound.getsockname()[1]
        config = uvicorn.Config(
            self.app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve([bound]), name="pages")

    async def close(self) -> None:
        """Stop listening and end within about two seconds."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task

    async def front(self, _: Request) -> Response:
        return HTMLResponse(self._front)

    async def health(self, _: Request) -> Response:
        age = self._poll_age()
        if age is None:
            return JSONResponse({"ok": True, "polling": False})
        fresh = age < FRESH_SECONDS
        shown = round(age, 1) if math.isfinite(age) else None
        return JSONResponse({"ok": fresh, "polling": True, "poll_age_seconds": shown}, 200 if fresh else 503)

    async def readiness(self, _: Request) -> Response:
        reasons = await asyncio.gather(*(_why_not(ask) for ask in self._ready.values()))
        missing = {name: why for name, why in zip(self._ready, reasons, strict=True) if why}
        return JSONResponse({"ready": not missing, "missing": missing}, 503 if missing else 200)

    async def metrics(self, _: Request) -> Response:
        await self._figures.look()
        body, kind = self._figures.text()
        return Response(body, headers={"Content-Type": kind})


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _why_not(ask: Ready) -> str:
    """An answer that does not come, or an error, is a reason too; the page itself always answers."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            return await ask()
    except TimeoutError:
        return f"no answer within {READY_SECONDS:g} s"
    except Exception as error:  # noqa: BLE001  whatever it is, it is why this process is not ready
        return f"{type(error).__name__}: {error}"


def bind(host: str, port: int, others: int = 0) -> socket.socket:
    """A listening socket on ``port``, or on one of the ``others`` after it; SettingsError when none can be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + others, 65535) + 1):
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, candidate))
            found.listen(128)  # without this a second socket may bind the same port
            return found
        except OSError as error:
            found.close()
            if error.errno != errno.EADDRINUSE:
                reason = (error.strerror or str(error)).lower()
                raise SettingsError([f"WEB_HOST={host}, WEB_PORT={candidate}: {reason}"]) from None
    raise SettingsError([f"WEB_PORT={port}: another program listens there; choose another, or 0 for no pages"])
