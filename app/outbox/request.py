"""python-telegram-bot's HTTP seam over our connections: one session for all, msgspec for JSON.

PTB's own reading of an answer cannot tell a 5xx of the Bot API (not done) from a gateway's page (perhaps done), so the
verdict of core/botapi rides through PTB inside ``Refused``.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import msgspec
from telegram.error import NetworkError
from telegram.request import BaseRequest, RequestData

from app.core.botapi import JSON, Telegram
from app.core.connections import Connections
from app.core.errors import Doubtful, TelegramError
from app.core.exchange import Clocks, Failure

SEND = Clocks(connect=5, first=20, between=10, total=30)
UPLOAD_SECONDS = 120.0
_decode = msgspec.json.decode
_encode = msgspec.json.Encoder().encode


class Refused(NetworkError):
    """PTB's wrapping around one of our errors."""

    __slots__ = ("ours",)

    def __init__(self, ours: TelegramError) -> None:
        super().__init__(ours.description)
        self.ours = ours


class Plain:
    """The parameters of a call as PTB's ``RequestData`` shows them, without 0.3 ms of object building."""

    __slots__ = ("parameters",)
    contains_files = False

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.parameters = parameters


class Request(BaseRequest):
    """Sends Bot API calls; the connections belong to whoever made them, so there is nothing to start or stop."""

    __slots__ = ("_clocks", "_connections", "_telegram")

    def __init__(self, connections: Connections, telegram: Telegram, clocks: Clocks = SEND) -> None:
        self._connections = connections
        self._telegram = telegram
        self._clocks = clocks

    @property
    def read_timeout(self) -> float | None:
        return self._clocks.first

    async def initialize(self) -> None:
        """Nothing to do."""

    async def shutdown(self) -> None:
        """Nothing to do."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | Plain | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - waiting for a connection counts as connecting
    ) -> tuple[int, bytes]:
        clocks = self._clocks
        body: bytes | aiohttp.FormData | None = None
        headers: dict[str, str] = {}
        if request_data is not None and request_data.contains_files:
            assert isinstance(request_data, RequestData)
            body = _multipart(request_data)
            clocks = Clocks(clocks.connect, _value(write_timeout, UPLOAD_SECONDS), clocks.between, UPLOAD_SECONDS)
        elif request_data is not None:
            body, headers = _encode(request_data.parameters), JSON
        if read_timeout is not self.DEFAULT_NONE or connect_timeout is not self.DEFAULT_NONE:
            first = _value(read_timeout, clocks.first)
            connect = _value(connect_timeout, clocks.connect)
            clocks = Clocks(connect, first, clocks.between, max(clocks.total, first))
        try:
            status, payload = await self._connections.fetch(
                method, self._connections.target(url), headers, body, clocks
            )
        except Failure as error:
            raise Refused(self._telegram.lost(error)) from None
        if status != 200:
            raise Refused(self._telegram.verdict(status, payload))
        return status, payload

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The answer as a dict that holds a ``result``; anything else under a 200 is doubtful."""
        try:
            answer = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            answer = None
        if not isinstance(answer, dict) or "result" not in answer:
            raise Refused(Doubtful("an answer that cannot be read (HTTP 200)"))
        return answer


def _value(given: Any, default: float) -> float:
    """A timeout of PTB's; None means without end, which no request of ours is."""
    return float(given) if isinstance(given, int | float) else default


def _multipart(data: RequestData) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, mime) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=mime)
    return form
