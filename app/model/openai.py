"""Any OpenAI-compatible endpoint: POST <base>/chat/completions, as one response or streamed.

Three clocks run (``Clocks``): to the first byte, between two packets, in all. ``ask`` asks once, with the key that it
is given; who has several, and when one is asked again, is the affair of keypool.py. A stream without finish_reason or
[DONE] is *cut*, however cleanly it ended.
Three things are learned from refusals and remembered: no ``stream_options``, ``max_completion_tokens``, and for an hour
that the model cannot see pictures.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import urlsplit

from app.core.clock import Clock, Real
from app.core.errors import ModelBlind, ModelCut, ModelDown, ModelError, ModelFailed, ModelRefused, SettingsError
from app.core.exchange import Clocks, Failure, Gate, Unreached
from app.core.http import Client, Place, Response, body_of
from app.model import wire
from app.model.access import Access, label_of
from app.model.answer import Answer
from app.model.base import Chunk, Prompt
from app.model.retries import Fate, Passing, Patience, persist
from app.model.verdict import PASSING, blind, inside, verdict

STREAMED = Clocks(connect=5, first=18, between=18, total=240)
AT_ONCE = Clocks(connect=5, first=60, between=18, total=90)  # the headers come only with the whole answer
PATIENCE_SECONDS = 13.0  # no repetition begins later; with a last connect of 5 s a dead model is reported within 20
READY = "Say: ready"
BLIND_SECONDS = 3600.0  # then pictures are shown to it again: it may be another model now
_MOST_BYTES = 8 << 20


class Endpoint:
    """One model at one address; a key never gets into an error, a log or a repr. ``host``: what people know it by."""

    def __init__(
        self,
        client: Client,
        base_url: str,
        *,
        key: str = "",
        name: str = "",
        host: str = "",
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
        self.base = base
        self.host = host or urlsplit(base).hostname or ""
        self.label = label_of(base, name)
        self.name = name
        self.clocks = clocks or (STREAMED if stream else AT_ONCE)
        self.max_tokens = max_tokens
        self._access = Access(base, key)
        self._streamed = stream
        self._with_usage = True
        self._limit_field = "max_tokens"
        self._patience = Patience(patience_seconds)
        self._clock = clock or Real()
        self._blind_until = -math.inf
        self._naming = asyncio.Lock()
        self._ask = self._made() if name else None

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        """Answer with the one key that it was made with; raises ModelError kinds."""
        self.see(prompt)
        answer = await persist(
            lambda: self.ask(prompt, self._access, gate=prompt.on_asked), self._patience, self._clock, prompt.on_loading
        )
        async with aclosing(chunks_of(answer)) as chunks:
            async for chunk in chunks:
                yield chunk

    def see(self, prompt: Prompt) -> None:
        """Raises ModelBlind for pictures, if the model is known to see none."""
        if prompt.images and self._clock.monotonic() < self._blind_until:
            raise ModelBlind(0, "this model sees no pictures")

    async def start(self, access: Access | None = None) -> str:
        """Find the model's name if none was set, and answer it; SettingsError when the endpoint names none."""
        async with self._naming:
            if not self.name:
                key = access or self._access
                self.name = await persist(lambda: self._first_of_models(key), self._patience, self._clock)
                self._ask = self._made()
        return self.name

    async def probe(self, access: Access | None = None) -> str:
        """Ask for one word, for ``lanekeeper check``; answers what came, raises as ``ask`` does."""
        prompt, key = Prompt([{"role": "user", "content": READY}]), access or self._access
        answer = await persist(lambda: self.ask(prompt, key), self._patience, self._clock)
        async with aclosing(chunks_of(answer)) as chunks:
            return "".join([chunk.text async for chunk in chunks])

    async def ask(
        self, prompt: Prompt, access: Access, clocks: Clocks | None = None, gate: Gate | None = None
    ) -> Chunk | Answer:
        """Ask once, up to the first word; once more for each thing that a refusal teaches.

        Raises Passing for what may be repeated, else ModelError kinds. ``gate`` is asked before a request is written.
        """
        if self._ask is None:
            await self.start(access)
        before = self._with_usage, self._limit_field
        refusal: ModelRefused | None = None
        while True:
            assert self._ask is not None
            body = self._ask.body(prompt.messages, prompt.max_tokens, prompt.params, prompt.images)
            response = await self._call("POST", self._place, access, body, clocks, gate)
            if response.status_code == 200:
                return await self._opened(response, access)
            said = await self._read(response)
            found = self._verdict(response, said, access)
            if response.status_code in (400, 422) and type(found) is ModelRefused and self._learned(said):
                refusal = refusal or found
                continue
            if prompt.images and (sees_none := blind(response.status_code, said)) is not None:
                self._blind_until = self._clock.monotonic() + BLIND_SECONDS if sees_none else self._blind_until
                raise ModelBlind(response.status_code, access.clean(wire.reason(said)))
            if refusal is not None and type(found) is ModelRefused:  # what seemed to be learned did not help
                self._with_usage, self._limit_field = before
                self._ask = self._made()
                raise refusal
            raise found

    async def _opened(self, response: Response, access: Access) -> Chunk | Answer:
        """The answer from its first token on, or all of it."""
        if "event-stream" not in response.headers.get("content-type", "") or not self._streamed:
            body = await self._read(response)
            try:
                return wire.read_whole(body)
            except wire.Truncated as error:
                raise Passing(ModelDown("the answer was cut off")) from error
            except ModelFailed as error:
                raise self._inside(error, access) from None
        answer = Answer(response, lambda error: self._inside(error, access))
        try:
            await answer.open()
        except ModelCut:
            await answer.aclose()
            raise Passing(ModelDown("the answer was cut off before its first word")) from None
        except BaseException:
            await answer.aclose()
            raise
        return answer

    async def _call(
        self,
        method: str,
        place: Place,
        access: Access,
        body: bytes = b"",
        clocks: Clocks | None = None,
        gate: Gate | None = None,
    ) -> Response:
        try:
            return await self._client.call(method, place, access.headers, body, clocks or self.clocks, gate)
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
        if isinstance(error, Unreached):
            return Passing(ModelDown(str(error)), fate=Fate.UNSENT)
        return Passing(ModelDown(f"{self.host}: {error}"))

    def _verdict(self, response: Response, body: bytes, access: Access) -> Passing | ModelError:
        reason = access.clean(wire.reason(body))
        return verdict(response.status_code, response.headers, body, reason, self._clock.now())

    def _inside(self, error: ModelFailed, access: Access) -> Passing | ModelError:
        """What a 200 means that holds no answer."""
        reason = access.clean(error.reason)
        if isinstance(error, wire.Said):
            return inside(error.body, reason, self._clock.now())
        return ModelFailed(reason)

    def _learned(self, body: bytes) -> bool:
        """Whether this refusal names a field that we can do without; then the next request does."""
        if self._streamed and self._with_usage and b"stream_options" in body:
            self._with_usage = False
        elif self._limit_field == "max_tokens" and self.max_tokens and b"max_tokens" in body:
            self._limit_field = "max_completion_tokens"
        else:
            return False
        self._ask = self._made()
        return True

    def _made(self) -> wire.Ask:
        return wire.Ask(
            self.name,
            self.max_tokens,
            stream=self._streamed,
            with_usage=self._with_usage,
            limit_field=self._limit_field,
        )

    async def _first_of_models(self, access: Access) -> str:
        response = await self._call("GET", self._models, access)
        body = await self._read(response)
        status = response.status_code
        if status >= 500 or status in (401, 402, 403, 429, *PASSING):
            raise self._verdict(response, body, access)
        names = wire.models(body) if status == 200 else []
        if not names:
            said = f"HTTP {status}" if status != 200 else "no model"
            raise SettingsError(
                [f"MODEL_NAME is not set, and {self.host} answers {said} to GET /models: set MODEL_NAME"]
            )
        return names[0]

    def __repr__(self) -> str:
        return f"<Endpoint {self.name or 'unnamed'} at {self.host}>"


async def chunks_of(answer: Chunk | Answer) -> AsyncGenerator[Chunk, None]:
    """What was opened, chunk by chunk (a single one if it came whole), and closed at the end."""
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
