"""A tiny bot, honest by default, that commits one sin on request: it shows that the world finds each of them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp

from tests.support.world import World

KINDS = ["message"]
TURNS = 5


class Scripted:
    """Polls the world, asks its model, answers; one update after the other."""

    def __init__(self, world: World, sin: str = "") -> None:
        self.world, self.sin = world, sin
        self.talk: dict[tuple[int, int], list[dict[str, str]]] = {}
        self.offset = 0
        self.count = 0
        self.kept: dict[str, Any] | None = None
        self.http: aiohttp.ClientSession

    async def run(self, batches: int = 1_000_000) -> None:
        """Serves so many batches of updates, then stops as a killed process would: nothing is confirmed after them."""
        async with aiohttp.ClientSession() as self.http:
            for _ in range(batches):
                updates = await self.poll()
                if self.sin == "swap":
                    updates = [update for pair in zip(updates[1::2], updates[0::2], strict=True) for update in pair]
                if self.sin == "early":
                    self.offset = max([self.offset, *(update["update_id"] + 1 for update in updates)])
                    await self.poll(wait=0)
                    return
                for update in updates:
                    await self.handle(update["message"])
                self.offset = max([self.offset, *(update["update_id"] + 1 for update in updates)])

    async def poll(self, wait: int = 5) -> list[dict[str, Any]]:
        offset = -1 if self.sin == "negative" else self.offset
        kinds = None if self.sin == "kinds" else KINDS
        body = {"offset": offset, "timeout": wait, "allowed_updates": kinds}
        answer = await self.call("getUpdates", body)
        updates: list[dict[str, Any]] = answer["result"]
        return updates

    async def call(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        url = f"{self.world.url}/bot{self.world.token}/{method}"
        async with self.http.post(url, json=body) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
            return answer

    async def handle(self, message: dict[str, Any]) -> None:
        self.count += 1
        if self.sin == "lose" and self.count % 7 == 0:
            return
        chat, topic = message["chat"]["id"], message.get("message_thread_id", 0)
        lane = 0 if self.sin == "mixed" else chat
        talk = self.talk.setdefault((lane, topic), [])
        history = talk[-2 * TURNS : -2] if self.sin == "forgetful" else talk[-2 * TURNS :]
        text = message["text"] if chat > 0 else f"{message['from']['first_name']}: {message['text']}"
        question = {"role": "user", "content": text}
        answer = await self.ask([{"role": "system", "content": "Be kind."}, *history, question])
        if self.sin == "parallel":
            await asyncio.gather(*(self.ask([*history, question]) for _ in range(2)))
        talk += [question, {"role": "assistant", "content": answer}]
        for _ in range(2 if self.sin == "double" else 1):
            await self.send(message, answer)

    async def ask(self, messages: list[dict[str, str]]) -> str:
        body: dict[str, Any] = {"model": "any", "messages": messages, "max_tokens": 1024}
        if self.sin == "unlimited":
            del body["max_tokens"]
        headers = {"Authorization": f"Bearer {self.world.key}"}
        async with self.http.post(f"{self.world.url}/v1/chat/completions", json=body, headers=headers) as response:
            answer = await response.json()
            return str(answer["choices"][0]["message"]["content"])

    async def send(self, message: dict[str, Any], text: str) -> None:
        body: dict[str, Any] = {
            "chat_id": message["chat"]["id"],
            "text": text,
            "link_preview_options": {"is_disabled": True},
            "reply_parameters": {"message_id": message["message_id"], "allow_sending_without_reply": True},
        }
        if "message_thread_id" in message:
            body["message_thread_id"] = message["message_thread_id"]
        self.spoil(body, message)
        if "chat_id" in body:
            answer = await self.call("sendMessage", body)
            if not answer["ok"] and self.sin == "impatient":
                await self.call("sendMessage", body)

    def spoil(self, body: dict[str, Any], message: dict[str, Any]) -> None:
        """Commits the sin, if it is one of sending."""
        earlier, self.kept = self.kept, message
        if self.sin == "parse_mode":
            body["parse_mode"] = "HTML"
        elif self.sin == "previews":
            del body["link_preview_options"]
        elif self.sin == "invented":
            body["reply_to"] = 1
        elif self.sin == "typed wrong":
            body["chat_id"] = str(body["chat_id"])
        elif self.sin == "topicless":
            body.pop("message_thread_id", None)
        elif self.sin == "garbled":
            body["text"] = body["text"][:-9] + "something"
        elif self.sin == "wrong message" and earlier is not None:
            body["reply_parameters"]["message_id"] = earlier["message_id"]
        elif self.sin == "no such message":
            body["reply_parameters"]["message_id"] = 99999
        elif self.sin == "mute":
            body.clear()


async def serve(world: World, sin: str = "", batches: int = 1_000_000) -> None:
    """Runs a bot until the batches are done or the caller cancels."""
    with contextlib.suppress(asyncio.CancelledError):
        await Scripted(world, sin).run(batches)
