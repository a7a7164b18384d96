"""Any OpenAI-compatible endpoint: POST <base>/chat/completions, as one response or streamed.

Three clocks run (``Clocks``): to the first byte, between two packets, in all. A call is repeated only while nobody has
seen anything of its answer. A stream without finish_reason or [DONE] is *cut*, however cleanly it ended.
Two things are learned from refusals and remembered: no ``stream_options``, and ``max_completion_tokens``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

from app.core.clock import Clock, Real
from app.core.errors import ModelBusy, ModelCut, ModelDown, ModelError, ModelFailed, ModelRefused, SettingsError
from app.core.exchange import Clocks, Failure, Unreached
from app.core.http import Client, Headers, Place, Response, body_of
from app.model import wire
from app.model.answer import Answer
from app.model.base import Chunk, Prompt, whole
from app.model.retries import Passing, asked_wait, persist

STREAMED = Clocks(connect=5, first=18, between=18, total=240)
AT_ONCE = Clocks(connect=5, first=60, between=18, total=90)  # the headers come only with the whole answer
PATIENCE_SECONDS = 13.0  # no repetition begins later; with a last connect of 5 s a dead model is reported within 20
LOADING_SECONDS = 60.0  # how long a model that says it is loading is waited for
_MOST_BYTES = 8 << 20
T = TypeVar("T")
_PASSING = (408, 409, 425, 429)  # besides 5xx


class Endpoint:
    """One model at one address; its key never gets into an error, a log or a repr."""

    def __init__(
        self,
        client: Client,
        base_url: str,
        *,
        key: str = "",
        name: str = "",
        max_tokens: int = 1024,
        stream: bool = True,
        clocks: Clocks | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        base = base_url.strip().rstrip("/").removesuffix("/chat/completions")
        self._client = client
        self._place = client.place(f"{base}/chat/completions")
        self._models = client.place(f"{base}/models")
        self._host = urlsplit(base).hostname or ""
        self._key = key
        bearer = {"Authorization": f"Bearer {key}"} if key else {}
        self._headers = Headers({"Content-Type": "application/json", **bearer})
        self.name = name
        self._max_tokens = max_tokens
        self._streamed = stream
        self._with_usage = True
        self._limit_field = "max_tokens"
        self._clocks = clocks or (STREAMED if stream else AT_ONCE)
        self._patience = patience_seconds
        self._clock = clock or Real()
        self._naming = asyncio.Lock()
        self._ask = self._made() if name else None

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        """Answer chunk by chunk (one chunk without ``stream``); raises ModelError kinds."""
        answer = await self._answer(prompt)
        if isinstance(answer, Chunk):
            yield answer
            return
        try:
            chunk: Chunk | None = answer.first
            while chunk is not None:
                yield chunk
                chunk = await answer.next()
        finally:
            await answer.aclose()

    async def start(self) -> str:
        """Find the model's name if none was set, and answer it; SettingsError when the endpoint names none."""
        async with self._naming:
            if not self.name:
                self.name = await self._patiently(self._first_of_models)
                self._ask = self._made()
        return self.name

    async def probe(self) -> str:
        """Ask for one word, for ``lanekeeper check``; answers what came, raises as ``stream`` does."""
        text, _, _ = await whole(self, Prompt([{"role": "user", "content": "Say: ready"}]))
        return text

    async def _answer(self, prompt: Prompt) -> Chunk | Answer:
        if self._ask is None:
            await self.start()
        return await self._patiently(lambda: self._attempt(prompt))

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The first attempt costs nothing extra; only a failing one is handed to tenacity."""
        started = self._clock.monotonic()
        try:
            return await attempt()
        except Passing as error:
            first = error
        return await persist(attempt, first, started, self._patience, self._clock)

    async def _attempt(self, prompt: Prompt) -> Chunk | Answer:
        """Ask once; once more for each thing that the endpoint's refusal teaches."""
        before = self._with_usage, self._limit_field
        refusal: ModelError | None = None
        while True:
            assert self._ask is not None
            response = await self._call("POST", self._place, self._ask.body(prompt.messages))
            if response.status_code == 200:
                return await self._opened(response)
            body = await self._read(response)
            if response.status_code in (400, 422) and self._learned(body):
                refusal = refusal or self._refused(response, body)
                continue
            if refusal is not None:  # what seemed to be learned did not help
                self._with_usage, self._limit_field = before
                self._ask = self._made()
                raise refusal
            raise self._verdict(response, body)

    async def _opened(self, response: Response) -> Chunk | Answer:
        """The answer from its first token on, or all of it."""
        if "event-stream" not in response.headers.get("content-type", "") or not self._streamed:
            body = await self._read(response)
            try:
                return wire.read_whole(body)
            except wire.Truncated as error:
                raise Passing(ModelDown("the answer was cut off")) from error
            except ModelFailed as error:
                raise ModelFailed(self._clean(error.reason)) from None
        answer = Answer(response, self._clean)
        try:
            await answer.open()
        except ModelCut:
            await answer.aclose()
            raise Passing(ModelDown("the answer was cut off before its first word")) from None
        except BaseException:
            await answer.aclose()
            raise
        return answer

    async def _call(self, method: str, place: Place, body: bytes = b"") -> Response:
        try:
            return await self._client.call(method, place, self._headers, body, self._clocks)
        except Failure as error:
            raise self._down(error) from None

    async def _read(self, response: Response) -> bytes:
        body = body_of(response)
        parts, size = [], 0
        try:
            async for packet in body:
                parts.append(packet)
                size += len(packet)
                if size > _MOST_BYTES:
                    raise ModelFailed("an answer of more than 8 MB")
        except Failure as error:
            raise self._down(error) from None
        finally:
            await body.aclose()
        return b"".join(parts)

    def _down(self, error: Failure) -> Passing:
        words = f"{self._host}: {error}" if not isinstance(error, Unreached) else str(error)
        return Passing(ModelDown(words))

    def _verdict(self, response: Response, body: bytes) -> Passing | ModelError:
        """What an answer other than 200 means."""
        status, headers = response.status_code, response.headers
        refused = self._refused(response, body)
        if status == 429:
            if wire.field(body, "code") == "insufficient_quota" or wire.field(body, "type") == "insufficient_quota":
                return refused
            wait = asked_wait(headers, self._clock.now())
            return Passing(ModelBusy(wait or 0.0, f"429 {refused.reason}".strip()), wait)
        if status < 500 and status not in _PASSING:
            return refused
        down = ModelDown(f"{status} {refused.reason}".strip())
        loading = wire.field(body, "estimated_time") if status == 503 else None
        if isinstance(loading, int | float) and not isinstance(loading, bool) and loading > 0:
            return Passing(down, min(float(loading), LOADING_SECONDS / 2), LOADING_SECONDS)
        return Passing(down, asked_wait(headers, self._clock.now()) if status == 503 else None)

    def _refused(self, response: Response, body: bytes) -> ModelRefused:
        return ModelRefused(response.status_code, self._clean(wire.reason(body)))

    def _learned(self, body: bytes) -> bool:
        """Whether this refusal names a field that we can do without; then the next request does."""
        if self._streamed and self._with_usage and b"stream_options" in body:
            self._with_usage = False
        elif self._limit_field == "max_tokens" and self._max_tokens and b"max_tokens" in body:
            self._limit_field = "max_completion_tokens"
        else:
            return False
        self._ask = self._made()
        return True

    def _made(self) -> wire.Ask:
        return wire.Ask(
            self.name,
            self._max_tokens,
            stream=self._streamed,
            with_usage=self._with_usage,
            limit_field=self._limit_field,
        )

    async def _first_of_models(self) -> str:
        response = await self._call("GET", self._models)
        body = await self._read(response)
        status = response.status_code
        if status >= 500 or status in _PASSING:
            raise self._verdict(response, body)
        names = wire.models(body) if status == 200 else []
        if not names:
            said = f"HTTP {status}" if status != 200 else "no model"
            raise SettingsError(
                [f"MODEL_NAME is not set, and {self._host} answers {said} to GET /models: set MODEL_NAME"]
            )
        return names[0]

    def _clean(self, words: str) -> str:
        """The words without the key: some endpoints repeat it in their errors."""
        return words.replace(self._key, "<key>") if self._key else words

    def __repr__(self) -> str:
        return f"<Endpoint {self.name or 'unnamed'} at {self._host}>"
