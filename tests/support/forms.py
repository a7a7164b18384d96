"""The Bot API's methods as strict forms: a parameter that Telegram does not know, or of another type, is an error."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec


class Form(msgspec.Struct, forbid_unknown_fields=True):
    """Parameters of one method."""


class ReplyParameters(Form):
    message_id: int
    chat_id: int | None = None
    allow_sending_without_reply: bool = False
    quote: str | None = None
    quote_parse_mode: str | None = None
    quote_entities: list[dict[str, Any]] | None = None
    quote_position: int | None = None


class LinkPreview(Form):
    is_disabled: bool = False
    url: str | None = None
    prefer_small_media: bool | None = None
    prefer_large_media: bool | None = None
    show_above_text: bool | None = None


class Command(Form):
    command: str
    description: str


class Nothing(Form):
    pass


class GetUpdates(Form):
    offset: int = 0
    limit: int = 100
    timeout: int = 0
    allowed_updates: list[str] | None = None


class SendMessage(Form):
    chat_id: int
    text: str
    message_thread_id: int | None = None
    business_connection_id: str | None = None
    direct_messages_topic_id: int | None = None
    parse_mode: str | None = None
    entities: list[dict[str, Any]] | None = None
    link_preview_options: LinkPreview | None = None
    disable_notification: bool | None = None
    protect_content: bool | None = None
    allow_paid_broadcast: bool | None = None
    message_effect_id: str | None = None
    reply_parameters: ReplyParameters | None = None
    reply_markup: dict[str, Any] | None = None


class EditMessageText(Form):
    text: str
    chat_id: int
    message_id: int
    business_connection_id: str | None = None
    parse_mode: str | None = None
    entities: list[dict[str, Any]] | None = None
    link_preview_options: LinkPreview | None = None
    reply_markup: dict[str, Any] | None = None


class SendChatAction(Form):
    chat_id: int
    action: str
    message_thread_id: int | None = None
    business_connection_id: str | None = None


class SendMessageDraft(Form):
    chat_id: int
    draft_id: int
    text: str = ""
    message_thread_id: int | None = None
    parse_mode: str | None = None
    entities: list[dict[str, Any]] | None = None
    can_stop: bool | None = None
    keep_on_stop: bool | None = None


class DeleteMessage(Form):
    chat_id: int
    message_id: int


class SetMessageReaction(Form):
    chat_id: int
    message_id: int
    reaction: list[dict[str, Any]] | None = None
    is_big: bool | None = None


class SetMyCommands(Form):
    commands: list[Command]
    scope: dict[str, Any] | None = None
    language_code: str | None = None


class GetMyCommands(Form):
    scope: dict[str, Any] | None = None
    language_code: str | None = None


class DeleteWebhook(Form):
    drop_pending_updates: bool = False


class GetChat(Form):
    chat_id: int


class GetChatMember(Form):
    chat_id: int
    user_id: int


FORMS: dict[str, type[Form]] = {
    "getme": Nothing,
    "getupdates": GetUpdates,
    "sendmessage": SendMessage,
    "editmessagetext": EditMessageText,
    "sendchataction": SendChatAction,
    "sendmessagedraft": SendMessageDraft,
    "deletemessage": DeleteMessage,
    "setmessagereaction": SetMessageReaction,
    "setmycommands": SetMyCommands,
    "getmycommands": GetMyCommands,
    "deletemycommands": GetMyCommands,
    "getwebhookinfo": Nothing,
    "deletewebhook": DeleteWebhook,
    "getchat": GetChat,
    "getchatmember": GetChatMember,
}


def read(method: str, kind: bytes, query: str, body: bytes) -> Form:
    """The parameters of a request as that method's form. Raises msgspec.ValidationError, which says what is wrong."""
    form = FORMS[method]
    if body[:1] == b"{":
        return msgspec.json.decode(body, type=form)
    if kind.startswith(b"multipart/form-data"):
        fields = multipart(kind, body)
    else:
        fields = dict(parse_qsl(body.decode() if body else query, keep_blank_values=True))
    return msgspec.convert({name: plain(name, value) for name, value in fields.items()}, form, strict=False)


def plain(name: str, value: str) -> Any:
    """A form field's value: objects and lists come as JSON, but a text may look like one."""
    return msgspec.json.decode(value) if value[:1] in ("{", "[") and name != "text" else value


def multipart(kind: bytes, body: bytes) -> dict[str, str]:
    """The text fields of a multipart body."""
    boundary = kind.split(b"boundary=", 1)[1].split(b";")[0].strip(b' "')
    fields = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = head.split(b'name="', 1)[1].split(b'"', 1)[0]
        fields[name.decode()] = value.removesuffix(b"\r\n").decode()
    return fields
