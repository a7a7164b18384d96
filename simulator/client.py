"""A scripted person: speaks through the page's HTTP as a human would, in any process, and waits for answers.

async with Someone(simulator.page_url, 1001) as ada:
    sent = await ada.say("Hello")
    answer = await ada.answer(sent)
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

Json = dict[str, Any]
HEADERS = {"X-Lanekeeper-Page": "1"}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send; kind is photo, document, voice, audio, video or sticker, duration in seconds."""

    body: bytes
    name: str = "file.bin"
    mime: str = "application/octet-stream"
    kind: str = "document"
    duration: int = 0
    emoji: str = ""


class NoAnswer(Exception):
    """The bot did not write what was waited for; says what came instead."""


class Someone:
    """One person of the simulator at `url`; `heard` holds every message seen since, newest state of each, in order.

    `drafts` has what bots are writing in each chat (None: gone), `told` the bots' answers to pressed buttons.
    """

    def __init__(self, url: str, person: int) -> None:
        self.url, self.person = url, person
        self.heard: dict[tuple[str, int], Json] = {}
        self.typing: list[str] = []
        self.drafts: dict[str, Json | None] = {}
        self.told: dict[str, Json] = {}
        self._changed = asyncio.Condition()
        self._http: aiohttp.ClientSession | None = None
        self._ear: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Someone {self.person} at {self.url}, heard {len(self.heard)} messages>"

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(self.url, timeout=aiohttp.ClientTimeout(total=None, sock_connect=5))
        cursor = (await self.look())["cursor"]
        self._ear = asyncio.create_task(self._listen(cursor))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._ear is not None:
            self._ear.cancel()
            await asyncio.gather(self._ear, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def look(self) -> Json:
        """The page's state: chats, people, commands."""
        async with self._open.get("/chat/state", params={"as": self.person}) as answer:
            return await _read(answer)

    async def read(self, chat: str = "") -> list[Json]:
        """The last messages of a chat; without one, of the private chat with the bot."""
        asked = {"as": str(self.person), "chat": chat or str(self.person)}
        async with self._open.get("/chat/messages", params=asked) as answer:
            return list((await _read(answer))["messages"])

    async def say(self, text: str, chat: str = "", reply_to: int = 0, quote: str = "", *, speaker: str = "") -> Json:
        """Writes a message, privately to the bot unless `chat` names another.

        `speaker`: an administrator speaks as the group itself ("group") or as its linked channel ("channel").
        """
        body = {"text": text, "reply_to": reply_to or None, "quote": quote}
        body |= {"anonymous": speaker == "group", "channel": speaker == "channel"}
        return await self._post("send", self._at(chat) | body)

    async def send(self, files: Sequence[Upload], text: str = "", chat: str = "", apart_ms: int = 0) -> list[Json]:
        """Sends files, several as an album; `apart_ms` between its messages. Returns them."""
        given = {"as": str(self.person), "text": text, "apart_ms": str(apart_ms)} | self._at(chat)
        form = aiohttp.FormData(given, quote_fields=False)
        about = [{"kind": one.kind, "duration": one.duration, "emoji": one.emoji} for one in files]
        form.add_field("about", msgspec.json.encode(about).decode())
        for one in files:
            form.add_field("file", one.body, filename=one.name, content_type=one.mime)
        async with self._open.post("/chat/upload", data=form, headers=HEADERS) as answer:
            return list((await _read(answer))["messages"])

    async def locate(self, latitude: float, longitude: float, chat: str = "") -> Json:
        """Sends a place."""
        return await self._post("location", self._at(chat) | {"latitude": latitude, "longitude": longitude})

    async def forward(self, message: Json, chat: str = "", *, hidden: bool = False) -> Json:
        """Forwards a message; `hidden`: its writer's account is not linked."""
        to = self._at(chat)["chat"]
        return await self._post("forward", {"chat": message["chat"], "id": message["id"], "to": to, "hidden": hidden})

    async def reply(self, message: Json, text: str, quote: str = "") -> Json:
        """Answers a message."""
        return await self.say(text, message["chat"], message["id"], quote)

    async def edit(self, message: Json, text: str) -> Json:
        """Changes one of this person's messages."""
        return await self._post("edit", {"chat": message["chat"], "id": message["id"], "text": text})

    async def delete(self, message: Json) -> Json:
        """Deletes one of this person's messages."""
        return await self._post("delete", {"chat": message["chat"], "id": message["id"]})

    async def react(self, message: Json, emoji: str) -> Json:
        """Reacts to a message; "" takes it back."""
        return await self._post("react", {"chat": message["chat"], "id": message["id"], "emoji": emoji})

    async def press(self, message: Json, data: str, seconds: float = 5) -> Json:
        """Presses a button and waits for the bot's answer: its text, and whether it is an alert."""
        body = msgspec.json.encode({"as": self.person, "chat": message["chat"], "id": message["id"], "data": data})
        async with self._open.post("/chat/press", data=body, headers=HEADERS) as answer:
            query = (await _read(answer))["query"]
        await self.until(lambda: query in self.told, seconds, "an answer to a pressed button")
        return self.told[query]

    async def stop(self, chat: str = "") -> None:
        """Presses Stop under what the bot is writing."""
        key = self._at(chat)["chat"]
        draft = self.drafts.get(key)
        await self._post("stop", {"chat": key, "id": draft["id"] if draft else 0})

    async def rule(self, what: str, chat: str, **body: Any) -> Json:
        """Rules a group: member (bot, deed), migrate, announce (text), group (title, people); the answer."""
        encoded = msgspec.json.encode({"as": self.person, "chat": chat} | body)
        async with self._open.post(f"/chat/{what}", data=encoded, headers=HEADERS) as answer:
            return await _read(answer)

    async def speak(self, language: str) -> None:
        """Sets the language of this person's app."""
        await self._post("language", {"language": language})

    async def block(self, blocked: bool = True) -> None:
        """Blocks the bot, or lets it write again."""
        await self._post("block", {"blocked": blocked})

    def answers(self, message: Json) -> list[Json]:
        """What bots have replied to this message so far, oldest first; deleted ones left out."""
        replies = (one for one in self.heard.values() if one["chat"] == message["chat"] and one["from"]["bot"])
        return [one for one in replies if not one["deleted"] and (one["reply"] or {}).get("id") == message["id"]]

    async def answer(self, message: Json, seconds: float = 5) -> Json:
        """The bot's first reply to a message, waited for; NoAnswer when none comes."""
        await self.until(lambda: bool(self.answers(message)), seconds, f"an answer to {message['text'][:60]!r}")
        return self.answers(message)[0]

    async def until(self, condition: Callable[[], bool], seconds: float = 5, what: str = "something") -> None:
        """Waits until `condition()` holds, looked at after every event."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            said = [one["text"][:60] for one in self.heard.values() if one["from"]["bot"]]
            raise NoAnswer(f"waited {seconds} s for {what}; the bot said {said or 'nothing'}") from None

    @property
    def _open(self) -> aiohttp.ClientSession:
        assert self._http is not None, "use `async with`"
        return self._http

    def _at(self, chat: str) -> dict[str, str]:
        return {"chat": chat or str(self.person)}

    async def _post(self, deed: str, body: Json) -> Json:
        encoded = msgspec.json.encode({"as": self.person} | body)
        async with self._open.post(f"/chat/{deed}", data=encoded, headers=HEADERS) as answer:
            message: Json = (await _read(answer)).get("message", {})
        return message

    async def _listen(self, cursor: int) -> None:
        """Reads the stream of events; after a break it goes on where it was."""
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with self._open.get("/chat/events", params={"as": self.person, "after": cursor}) as stream:
                    async for line in stream.content:
                        if line.startswith(b"data: "):
                            event = msgspec.json.decode(line[6:])
                            cursor = max(cursor, event["n"])
                            await self._take(event)
            await asyncio.sleep(0.05)

    async def _take(self, event: Json) -> None:
        async with self._changed:
            if event["type"] == "typing":
                self.typing.append(event["chat"])
            if event["type"] == "draft":
                self.drafts[event["chat"]] = event["draft"]
            if event["type"] == "answer":
                self.told[event["query"]] = event
            if "message" in event:
                self.heard[event["chat"], event["message"]["id"]] = event["message"]
                if event["message"]["from"]["bot"]:
                    self.drafts.pop(event["chat"], None)
            self._changed.notify_all()


async def _read(answer: aiohttp.ClientResponse) -> Json:
    """The body, or what was refused as a ValueError."""
    body: Json = msgspec.json.decode(await answer.read())
    if answer.status != 200:
        raise ValueError(body.get("error", f"status {answer.status}"))
    return body
