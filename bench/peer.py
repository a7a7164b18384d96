"""What a careful person writes first: python-telegram-bot with a lock per chat, sessions in Redis, httpx for the model.

It answers right and in order, and it confirms what it has not answered yet: a crash loses that. ``bench/spine.py``
starts it with the same settings as Lanekeeper.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import defaultdict
from typing import Any

import httpx
from redis.asyncio import BlockingConnectionPool, Redis
from telegram import LinkPreviewOptions, ReplyParameters, Update
from telegram.ext import Application, ApplicationBuilder, ContextTypes, MessageHandler, filters

ENV = os.environ


class Answers:
    """One question after the other in each chat, ``concurrency`` at once in all."""

    def __init__(self, concurrency: int, turns: int) -> None:
        self.messages = 2 * turns
        pool = BlockingConnectionPool.from_url(ENV["REDIS_URL"], max_connections=concurrency, timeout=None)
        self.redis = Redis(connection_pool=pool)
        self.http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {ENV['MODEL_API_KEYS']}"},
            limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
            timeout=60,
        )
        self.locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __call__(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        message = update.effective_message
        assert message is not None
        async with self.locks[message.chat_id]:
            key = f"session:{message.chat_id}"
            raw = await self.redis.get(key)
            history: list[dict[str, Any]] = json.loads(raw) if raw else []
            history.append({"role": "user", "content": message.text})
            text = await self.ask(history)
            history.append({"role": "assistant", "content": text})
            await self.redis.set(key, json.dumps(history[-self.messages :]))
            await context.bot.send_message(
                message.chat_id,
                text,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                reply_parameters=ReplyParameters(message.message_id, allow_sending_without_reply=True),
            )

    async def ask(self, messages: list[dict[str, Any]]) -> str:
        body = {"model": ENV["MODEL_NAME"], "messages": messages, "max_tokens": 1024}
        response = await self.http.post(f"{ENV['MODEL_BASE_URL']}/chat/completions", json=body)
        response.raise_for_status()
        text: str = response.json()["choices"][0]["message"]["content"]
        return text


def main() -> None:
    concurrency = int(ENV["CONCURRENCY"])
    builder = ApplicationBuilder().token(ENV["TELEGRAM_BOT_TOKEN"]).base_url(f"{ENV['TELEGRAM_API_BASE_URL']}/bot")
    application: Application[Any, Any, Any, Any, Any, Any] = builder.concurrent_updates(concurrency).build()
    answers = Answers(concurrency, int(ENV["HISTORY_TURNS"]))
    application.add_handler(MessageHandler(filters.TEXT & ~filters.COMMAND, answers))
    application.run_polling(allowed_updates=Update.ALL_TYPES)


if __name__ == "__main__":
    main()
