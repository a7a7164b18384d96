"""A streamed answer: bytes of an event stream in, chunks out, and the verdict whether it was whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.core.errors import ModelBusy, ModelCut, ModelDown, ModelError, ModelFailed, ModelRefused, PromptTooLong
from app.core.exchange import Failure
from app.core.http import Response, body_of
from app.model import wire
from app.model.base import Chunk
from app.model.retries import Passing
from app.model.sse import Events, TooLong

_LEFTOVER_SECONDS = 1.0  # for the end of a stream after [DONE]; then the connection is given up


class Answer:
    """One chunk for each packet that holds something, so that a burst costs one step."""

    def __init__(self, response: Response, judge: Callable[[ModelFailed], Passing | ModelError]) -> None:
        self._body = body_of(response)
        self._packets = aiter(self._body)
        self._events = Events()
        self._judge = judge
        self._broken: Passing | ModelError | None = None
        self._text: list[str] = []
        self._finish = ""
        self._done = False
        self.first = Chunk()

    async def open(self) -> None:
        """Read to the first text or finish; raises Passing when the connection fails before, or what it was told."""
        try:
            chunk = await self._step()
            while chunk is not None and not chunk.text and not chunk.finish:
                chunk = await self._step()
        except Failure as error:
            raise Passing(ModelDown(str(error))) from None
        self.first = chunk or Chunk()

    async def next(self) -> Chunk | None:
        """The next chunk; None when the answer is whole, ModelCut when it broke off, be it with an error or without."""
        why: ModelError | None = None
        try:
            return await self._step()
        except (Passing, ModelBusy, ModelFailed, ModelRefused) as error:
            why = error.verdict if isinstance(error, Passing) else error
        except Failure:
            pass
        if self._done or self._finish:
            return None
        if isinstance(why, PromptTooLong):
            raise why
        raise ModelCut("".join(self._text), why)

    async def aclose(self) -> None:
        """Close the connection unless it was read to its end."""
        await self._body.aclose()

    async def _step(self) -> Chunk | None:
        if self._broken is not None:
            raise self._broken
        if self._done:
            await self._leftover()
            return None
        async for packet in self._packets:
            try:
                events = self._events.feed(packet)
            except TooLong as error:
                raise ModelFailed(str(error)) from None
            if (chunk := self._take(events)) is not None:
                return chunk
        chunk = self._take(self._events.end(), last=True)
        if chunk is None and not self._done and not self._finish:
            raise ModelCut("".join(self._text))
        return chunk

    def _take(self, events: list[bytes], *, last: bool = False) -> Chunk | None:
        """What the events of one packet say together; None when that is nothing.

        An error after it is raised with the next step, so that packets may end anywhere.
        """
        text, finish, usage = "", "", None
        for event in events:
            if event.startswith(b"[DONE]"):
                self._done = True
                break
            try:
                piece = wire.read(event) if event.strip() else Chunk()
            except ModelFailed as error:
                if not last or isinstance(error, wire.Said):  # half an event at the end is a cut, not nonsense
                    self._broken = self._judge(error)
                break
            text += piece.text
            finish = piece.finish or finish
            usage = piece.usage or usage
        if self._done and not finish and not self._finish:
            finish = "stop"
        self._finish = finish or self._finish
        if text:
            self._text.append(text)
        if text or finish or usage:
            return Chunk(text, finish, usage)
        if self._broken is not None:
            raise self._broken
        return None

    async def _leftover(self) -> None:
        """Read what follows [DONE], so that the connection can be used again."""
        try:
            async with asyncio.timeout(_LEFTOVER_SECONDS):
                async for _ in self._packets:
                    pass
        except (Failure, TimeoutError):
            pass
