"""A strict Bot API: refuses what Telegram refuses, and holds the bot to our design besides (no parse_mode …)."""

from __future__ import annotations

import math
import re
import time
from typing import Any, cast

import msgspec

from tests.support import faults, forms
from tests.support.faults import Faults, refusal
from tests.support.ledger import Ledger, Sent, now
from tests.support.people import Input, People, chat_of, user_of
from tests.support.polls import Polls
from tests.support.wire import Exchange

ENCODE = msgspec.json.Encoder().encode
LONGEST = 4096
ACTIONS = ("typing", "upload_photo", "upload_document", "choose_sticker", "find_location", "record_voice")


def good(result: object) -> bytes:
    return ENCODE({"ok": True, "result": result})


class Telegram:
    """The server side of one bot's token."""

    def __init__(self, token: str, ledger: Ledger, broken: Faults, people: People) -> None:
        self.token, self.ledger, self.faults, self.people = token, ledger, broken, people
        self.polls = Polls(ledger, broken)
        self.me = user_of(int(token.partition(":")[0]), "Lane") | {"is_bot": True, "username": "lane_bot"}
        self.calls: dict[str, int] = {}
        self.penalties: dict[int, float] = {}
        self.blocked: set[int] = set()
        self.mine: dict[tuple[int, int], Sent] = {}
        self.menu: list[dict[str, Any]] = []
        self.typed: list[tuple[float, int, int]] = []
        self.drafts: list[tuple[float, int, int, str]] = []

    def serve(self, exchange: Exchange) -> None:
        """One request to `/bot<token>/<method>`."""
        path, _, query = exchange.path.partition("?")
        token, _, name = path.removeprefix("/bot").partition("/")
        method = name.lower()
        if token != self.token:
            exchange.reply(refusal(401, "Unauthorized"), 401)
            return
        self.calls[method] = self.calls.get(method, 0) + 1
        if method not in forms.FORMS:
            self.ledger.blame("shape", f"no such method: {name[:40]}")
            exchange.reply(refusal(404, "Not Found: method not found"), 404)
            return
        try:
            form = forms.read(method, exchange.headers.get(b"content-type", b""), query, exchange.body)
        except (msgspec.DecodeError, UnicodeDecodeError, IndexError) as problem:
            self.ledger.blame("shape", f"{name}: {problem}")
            exchange.reply(refusal(400, f"Bad Request: {problem}"), 400)
            return
        if isinstance(form, forms.GetUpdates):
            self.polls.serve(exchange, form)
        else:
            self._serve(exchange, method, form)

    def _serve(self, exchange: Exchange, method: str, form: forms.Form) -> None:
        chat, text = int(getattr(form, "chat_id", 0) or 0), str(getattr(form, "text", ""))
        left = max(self.penalties.get(chat, 0.0), self.penalties.get(0, 0.0)) - now()
        if chat and left > 0:
            self.ledger.blame("penalties", f"{method} to chat {chat}, {left:.2f} s before its 429 ends")
            faults.flood(exchange, math.ceil(left))
            return
        fault = self.faults.take(method, chat, text)
        if fault is not None and fault.kind == "flood":
            self.penalties[fault.chat] = now() + fault.retry_after
        if fault is not None and not fault.done:
            faults.fail(exchange, fault)
            return
        status, answer = self.act(method, form)
        if fault is not None:
            faults.fail(exchange, fault, answer)
        else:
            exchange.reply(answer, status)

    def act(self, method: str, form: forms.Form) -> tuple[int, bytes]:
        """Carries a request out; HTTP status and body of its answer."""
        try:
            return 200, good(getattr(self, "do_" + method)(form))
        except Refused as refused:
            status, words = cast(tuple[int, str], refused.args)
            return status, refusal(status, words)

    # -- sending -----------------------------------------------------------------------------------

    def do_sendmessage(self, form: forms.SendMessage) -> dict[str, Any]:
        self._decent(form)
        reply, target = 0, None
        if form.reply_parameters is not None:
            reply = form.reply_parameters.message_id
            target = self.ledger.known.get((form.chat_id, reply))
            if target is None and (form.chat_id, reply) not in self.mine:
                self.ledger.blame("targets", f"reply to message {reply}, which chat {form.chat_id} does not have")
                if not form.reply_parameters.allow_sending_without_reply:
                    raise Refused(400, "Bad Request: message to be replied not found")
        sent = Sent(now(), form.chat_id, self.people.mid(form.chat_id), form.message_thread_id or 0, reply, form.text)
        self.mine[sent.chat, sent.mid] = sent
        self.ledger.told(sent)
        return self._message(sent, target)

    def _decent(self, form: forms.SendMessage | forms.EditMessageText) -> None:
        """What Telegram refuses in a text, and what our design forbids."""
        ledger = self.ledger
        if form.chat_id in self.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if not form.text.strip():
            ledger.blame("shape", "an empty text")
            raise Refused(400, "Bad Request: message text is empty")
        if len(form.text) > LONGEST:
            ledger.blame("shape", f"a text of {len(form.text)} characters")
            raise Refused(400, "Bad Request: message is too long")
        if form.parse_mode is not None:
            ledger.blame("shape", f"parse_mode={form.parse_mode}")
        if form.link_preview_options is None or not form.link_preview_options.is_disabled:
            ledger.blame("shape", "link previews are not switched off")
        reply = form.reply_parameters if isinstance(form, forms.SendMessage) else None
        if reply is not None and not reply.allow_sending_without_reply:
            ledger.blame("shape", "a reply without allow_sending_without_reply")

    def _message(self, sent: Sent, target: Input | None = None) -> dict[str, Any]:
        message: dict[str, Any] = {
            "message_id": sent.mid,
            "from": self.me,
            "chat": chat_of(sent.chat, sent.topic > 0),
            "date": int(time.time()),
            "text": sent.text,
        }
        if sent.topic:
            message |= {"message_thread_id": sent.topic, "is_topic_message": True}
        if target is not None:
            message["reply_to_message"] = self.people.message(target)
        return message

    def do_editmessagetext(self, form: forms.EditMessageText) -> dict[str, Any]:
        self._decent(form)
        sent = self.mine.get((form.chat_id, form.message_id))
        if sent is None:
            raise Refused(400, "Bad Request: message to edit not found")
        if sent.text == form.text:
            raise Refused(
                400, "Bad Request: message is not modified: specified new message content is exactly the same"
            )
        sent.text = form.text
        self.ledger.edited(sent)
        return self._message(sent) | {"edit_date": int(time.time())}

    def do_sendchataction(self, form: forms.SendChatAction) -> bool:
        if form.action not in ACTIONS:
            raise Refused(400, "Bad Request: wrong parameter action in request")
        self.typed.append((now(), form.chat_id, form.message_thread_id or 0))
        return True

    def do_deletemessage(self, form: forms.DeleteMessage) -> bool:
        if self.mine.pop((form.chat_id, form.message_id), None) is None:
            raise Refused(400, "Bad Request: message to delete not found")
        return True

    def do_sendmessagedraft(self, form: forms.SendMessageDraft) -> bool:
        if form.chat_id < 0:
            raise Refused(400, "Bad Request: TEXTDRAFT_PEER_INVALID")
        if not form.draft_id or len(form.text) > LONGEST or form.parse_mode is not None:
            self.ledger.blame("shape", f"a draft {form.draft_id} of {len(form.text)} characters")
        self.drafts.append((now(), form.chat_id, form.draft_id, form.text))
        return True

    def do_setmessagereaction(self, form: forms.SetMessageReaction) -> bool:
        return True

    # -- the rest ----------------------------------------------------------------------------------

    def do_getme(self, form: forms.Nothing) -> dict[str, Any]:
        rights = {"can_join_groups": True, "can_read_all_group_messages": True, "supports_inline_queries": False}
        return self.me | rights | {"can_connect_to_business": False, "has_main_web_app": False}

    def do_setmycommands(self, form: forms.SetMyCommands) -> bool:
        for entry in form.commands:
            if not re.fullmatch("[a-z0-9_]{1,32}", entry.command) or not 1 <= len(entry.description) <= 256:
                self.ledger.blame("shape", f"a menu entry {entry.command!r}")
                raise Refused(400, "Bad Request: BOT_COMMAND_INVALID")
        self.menu = [{"command": entry.command, "description": entry.description} for entry in form.commands]
        return True

    def do_getmycommands(self, form: forms.GetMyCommands) -> list[dict[str, Any]]:
        return self.menu

    def do_deletemycommands(self, form: forms.GetMyCommands) -> bool:
        self.menu = []
        return True

    def do_getwebhookinfo(self, form: forms.Nothing) -> dict[str, Any]:
        pending = len(self.polls.queue) - self.polls.confirmed
        return {"url": self.polls.webhook, "has_custom_certificate": False, "pending_update_count": pending}

    def do_deletewebhook(self, form: forms.DeleteWebhook) -> bool:
        if form.drop_pending_updates:
            self.ledger.blame("shape", "deleteWebhook with drop_pending_updates: that deletes what people wrote")
            self.polls.forget()
        self.polls.webhook = ""
        return True

    def do_getchat(self, form: forms.GetChat) -> dict[str, Any]:
        return chat_of(form.chat_id) | {"accent_color_id": 1, "max_reaction_count": 11, "accepted_gift_types": NO_GIFTS}

    def do_getchatmember(self, form: forms.GetChatMember) -> dict[str, Any]:
        return {"status": "member", "user": user_of(form.user_id, "Ann")}


NO_GIFTS = {
    "unlimited_gifts": False,
    "limited_gifts": False,
    "unique_gifts": False,
    "premium_subscription": False,
    "gifts_from_channels": False,
}


class Refused(Exception):
    """Telegram's no: HTTP status and description."""
