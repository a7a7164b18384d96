"""What people send besides words: files as photo, document, voice, audio, video or sticker, albums of them, places."""

import secrets
from dataclasses import dataclass

from simulator import people
from simulator.people import Extra
from simulator.records import Denied, File, Media, Message
from simulator.world import World

MOST_TOGETHER = 10  # parts of an album
FITTING = {"photo": "image/", "voice": "audio/", "audio": "audio/", "video": "video/", "sticker": "image/"}
COMPANY = {"photo": "sight", "video": "sight", "document": "document", "audio": "audio"}


@dataclass(frozen=True, slots=True)
class Part:
    """One file on its way, with what the sender's app knows of it."""

    kind: str
    file: File
    small: File | None = None
    duration: int = 0
    emoji: str = ""

    def media(self) -> Media:
        """As a message carries it; Denied where the file does not fit its kind."""
        if self.kind != "document" and self.kind not in FITTING:
            raise Denied(f"A file is sent as one of document, {', '.join(FITTING)}")
        if not self.file.mime.startswith(FITTING.get(self.kind, "")):
            raise Denied(f"{self.file.name or 'This file'} cannot be sent as {self.kind}")
        if self.kind in {"photo", "sticker"} and not self.file.width:
            raise Denied(f"{self.file.name or 'This file'} is no picture")
        small = self.small.id if self.small is not None and self.small.width else ""
        return Media(self.kind, self.file.id, small, self.duration, self.emoji)


def albums(parts: list[Part]) -> list[list[Part]]:
    """Neighbours that may stand together, at most ten: photos with videos, documents, audio."""
    groups: list[list[Part]] = []
    for part in parts:
        company = COMPANY.get(part.kind)
        last = groups[-1] if groups else []
        if company and last and COMPANY.get(last[0].kind) == company and len(last) < MOST_TOGETHER:
            last.append(part)
        else:
            groups.append([part])
    return groups


def extras(parts: list[Part]) -> list[Extra]:
    """The messages that carry these parts, albums joined by their id."""
    out: list[Extra] = []
    for group in albums(parts):
        album = str(13_000_000_000_000_000 + secrets.randbelow(10**15)) if len(group) > 1 else ""
        out += [Extra(part.media(), album) for part in group]
    return out


def place(world: World, person: int, key: str, latitude: float, longitude: float, reply: int = 0) -> Message:
    """Sends a place."""
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise Denied("There is no such place on Earth")
    media = Media("location", latitude=latitude, longitude=longitude)
    return people.say(world, person, key, "", reply, extra=Extra(media))
