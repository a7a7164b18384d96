"""The reader of files, put together as the settings ask for it, with the keys and the quotas of the models."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from app.core.botapi import Telegram
from app.core.clock import Clock
from app.core.connections import Connections
from app.core.http import Client
from app.core.settings import Settings
from app.core.tokens import tokens
from app.media.fetch import Files
from app.media.found import Asker
from app.media.means import Limits, Means
from app.media.pdf import Pdfs
from app.media.reader import Reader
from app.media.voice import Logins, Transcriber
from app.model.base import Chunk, Message, Prompt, Usage, whole
from app.model.choose import Models

__all__ = ["Reader", "reader"]


def reader(settings: Settings, connections: Connections, telegram: Telegram, models: Models, clock: Clock) -> Reader:
    """All of it."""
    limits = Limits(settings.media_max_bytes, settings.media_tokens, settings.model_images, settings.transcribe_seconds)
    base, name = settings.transcribe_base_url or settings.model_base_url, settings.transcribe_model
    hear = None
    if base and name:
        hear = Hearing(Transcriber(Client(connections), base, name, logins(settings, models), clock), models)
    return Reader(Means(Files(connections, telegram, clock), Pdfs(), hear, limits, settings.emoji))


def logins(settings: Settings, models: Models) -> Logins:
    """The keys that may be used for recordings: their own, or those of the first endpoint, but nowhere else."""
    if own := settings.transcribe_api_key:
        return lambda: [f"Bearer {own.get_secret_value()}"]
    if not models.pools or settings.transcribe_base_url not in (None, settings.model_base_url):
        return lambda: [""]

    def usable() -> list[str]:
        """Those that are well before those that are not, which may be for the sake of other requests."""
        ring = models.pools[0].ring
        rows = sorted(zip(ring.report(), ring.slots, strict=True), key=lambda pair: pair[0].state != "ready")
        return [slot.access.headers.get("Authorization", "") for _, slot in rows]

    return usable


@dataclass(frozen=True, slots=True)
class Hearing:
    """Writes recordings down, within the quotas of whoever asks: a request, and the tokens of what was said."""

    transcriber: Transcriber
    models: Models

    async def __call__(self, asker: Asker, recording: bytes, mime: str) -> str:
        """The words of a recording. Raises Unusable, Unheard, QuotaSpent, Later."""
        listener = self.models.model.around(_Listener(self.transcriber, recording, mime))
        prompt = Prompt([Message(role="user", content="")], asker.user, asker.chat, asker.turn)
        return (await whole(listener, prompt))[0]


@dataclass(frozen=True, slots=True)
class _Listener:
    """One recording, as a model that answers with its words."""

    transcriber: Transcriber
    recording: bytes
    mime: str

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        if prompt.on_asked is not None:
            prompt.on_asked()
        text = await self.transcriber(self.recording, self.mime)
        yield Chunk(text, "stop", Usage(prompt.tokens, tokens(text)))
