"""The calls to Telegram: hot ones as plain parameters, rare ones through PTB's Bot; all errors come out as ours.

Never a ``parse_mode``, so nothing in a text can be injected. Nothing is repeated here: that follows the journal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import telegram.error
from telegram import Bot, BotCommand, BotCommandScope, BotCommandScopeChat

from app.core.botapi import Telegram
from app.core.connections import Connections
from app.core.errors import Doubtful, Rejected, TelegramError
from app.core.exchange import Clocks
from app.core.updates import Address, Me
from app.outbox.request import SEND, Plain, Request

GENERAL = 1  # thread id of a forum's General topic: must be left out when sending, but named with a chat action
_PREVIEW = {"is_disabled": True}
_HOT = ("sendMessage", "sendChatAction", "editMessageText", "sendMessageDraft", "deleteMessage", "setMessageReaction")

T = TypeVar("T")


class Sender:
    """Sends as one bot; raises TelegramError kinds only."""

    def __init__(self, connections: Connections, telegram: Telegram, clocks: Clocks = SEND) -> None:
        self._telegram = telegram
        self._request = Request(connections, telegram, clocks)
        self._urls = {name: telegram.url(name) for name in _HOT}
        token = telegram.url("").rsplit("/bot", 1)[1].rstrip("/")
        self.bot = Bot(
            token,
            base_url=f"{telegram.base_url}/bot",
            base_file_url=f"{telegram.base_url}/file/bot",
            request=self._request,
            get_updates_request=self._request,
        )

    async def send(self, address: Address, text: str, entities: Sequence[dict[str, Any]] | None = None) -> int:
        """Send a text (at most 4,096 UTF-16 units) as reply; answers the message id."""
        parameters: dict[str, Any] = {"chat_id": address.chat, "text": text, "link_preview_options": _PREVIEW}
        if address.thread and address.thread != GENERAL:
            parameters["message_thread_id"] = address.thread
        if address.reply:
            parameters["reply_parameters"] = {
                "message_id": address.reply,
                "allow_sending_without_reply": not address.strict,
            }
        if entities:
            parameters["entities"] = entities
        sent = await self._post("sendMessage", parameters)
        if not isinstance(sent, dict) or not isinstance(sent.get("message_id"), int):
            raise Doubtful("an answer without a message id")
        return int(sent["message_id"])

    async def typing(self, address: Address) -> None:
        """Show "typing" for five seconds."""
        parameters: dict[str, Any] = {"chat_id": address.chat, "action": "typing"}
        if thread := address.thread or (GENERAL if address.forum else None):
            parameters["message_thread_id"] = thread
        await self._post("sendChatAction", parameters)

    async def edit(
        self, chat: int, message_id: int, text: str, entities: Sequence[dict[str, Any]] | None = None
    ) -> None:
        """Replace the text of a message of ours; that it stands there already is success."""
        parameters: dict[str, Any] = {
            "chat_id": chat,
            "message_id": message_id,
            "text": text,
            "link_preview_options": _PREVIEW,
        }
        if entities:
            parameters["entities"] = entities
        try:
            await self._post("editMessageText", parameters)
        except Rejected as error:
            if "message is not modified" not in error.description.lower():
                raise

    async def draft(
        self, address: Address, draft_id: int, text: str, entities: Sequence[dict[str, Any]] | None = None
    ) -> None:
        """Show a text as being written, with a Stop button, until a message is sent or 30 s are over; private only."""
        parameters: dict[str, Any] = {
            "chat_id": address.chat,
            "draft_id": draft_id,
            "text": text,
            "can_stop": True,
            "keep_on_stop": True,
        }
        if address.thread:
            parameters["message_thread_id"] = address.thread
        if entities:
            parameters["entities"] = entities
        await self._post("sendMessageDraft", parameters)

    async def delete(self, chat: int, message_id: int) -> None:
        """Take a message of ours away; that it is not there is success."""
        try:
            await self._post("deleteMessage", {"chat_id": chat, "message_id": message_id})
        except Rejected as error:
            if "not found" not in error.description.lower():
                raise

    async def react(self, chat: int, message_id: int, emoji: str) -> None:
        """Put our reaction on a message; a bot has one."""
        reaction = [{"type": "emoji", "emoji": emoji}]
        await self._post("setMessageReaction", {"chat_id": chat, "message_id": message_id, "reaction": reaction})

    async def me(self) -> Me:
        """Who the token is."""
        user = await self._ours(self.bot.get_me())
        return Me(
            id=user.id,
            username=user.username or "",
            first_name=user.first_name,
            can_read_all_group_messages=bool(user.can_read_all_group_messages),
            can_join_groups=bool(user.can_join_groups),
        )

    async def set_commands(
        self, commands: Sequence[tuple[str, str]], where: int | str = "default", language: str = ""
    ) -> None:
        """The menu of one chat, or of all whom Telegram calls so: (name without slash, what it does).

        ``language``: of the apps in which it is shown, such as "de"; "" for all that have none of their own.
        """
        menu = [BotCommand(name, words) for name, words in commands]
        await self._ours(self.bot.set_my_commands(menu, _scope(where), language or None))

    async def commands(self, where: int | str = "default", language: str = "") -> list[tuple[str, str]]:
        """The menu that was set there."""
        menu = await self._ours(self.bot.get_my_commands(_scope(where), language or None))
        return [(one.command, one.description) for one in menu]

    async def status_of(self, chat: int, user: int) -> str:
        """``creator``, ``administrator``, ``member``, ``restricted``, ``left`` or ``kicked``."""
        return str((await self._ours(self.bot.get_chat_member(chat, user))).status)

    async def webhook(self) -> str:
        """The URL that Telegram calls; "" when none is set."""
        return (await self._ours(self.bot.get_webhook_info())).url

    async def _post(self, method: str, parameters: dict[str, Any]) -> Any:
        try:
            return await self._request.post(self._urls[method], Plain(parameters))  # type: ignore[arg-type]
        except telegram.error.TelegramError as error:
            raise self._translate(error) from None

    async def _ours(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except telegram.error.TelegramError as error:
            raise self._translate(error) from None

    def _translate(self, error: telegram.error.TelegramError) -> TelegramError:
        """Ours rides inside ``Refused``; what PTB says on its own came after the request was written."""
        ours = getattr(error, "ours", None)
        return ours if isinstance(ours, TelegramError) else Doubtful(self._telegram.clean(str(error)))

    def __repr__(self) -> str:
        return f"<Sender {self._telegram!r}>"


def _scope(where: int | str) -> BotCommandScope:
    return BotCommandScopeChat(where) if isinstance(where, int) else BotCommandScope(where)
