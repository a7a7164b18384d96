"""The Bot API's methods over the world: what they read and answer. getUpdates waits, so server.py has it."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from simulator import bots, text, wire
from simulator.bots import Reply, Words
from simulator.records import Bot, Chat, Command, Refusal, bad
from simulator.world import Event, World

ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
}  # fmt: skip
SCOPES = {
    "default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat", "chat_administrators",
    "chat_member",
}  # fmt: skip
Result = tuple[object, str]  # the result, and a description beside it or ""


class Args:
    """The parameters of a call; a form brings them all as strings, JSON with types of their own."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = {name: value for name, value in given.items() if value is not None}

    def text(self, name: str) -> str:
        """A string; numbers are written out."""
        value = self._given.get(name, "")
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()

    def number(self, name: str) -> int:
        """An integer; what is none counts as 0, as with Telegram."""
        found = re.match(r"\s*([-+]?\d{1,18})", self.text(name))
        return int(found[1]) if found else 0

    def flag(self, name: str) -> bool:
        """A boolean."""
        return self.text(name).lower() in {"true", "yes", "1"}

    def json(self, name: str) -> Any:
        """Nested JSON, also inside a string; None when there is none or it cannot be read."""
        value = self._given.get(name)
        if not isinstance(value, str):
            return value
        try:
            return msgspec.json.decode(value) if value else None
        except msgspec.DecodeError:
            return None

    def chat(self) -> int:
        """chat_id; names like @channel are nobody here."""
        if not self.text("chat_id"):
            raise bad("chat_id is empty")
        return self.number("chat_id")


def call(world: World, bot: Bot, method: str, args: Args) -> Result:
    """Does a method, whose name may be in any case."""
    handler = METHODS.get(method.lower())
    if handler is None:
        raise Refusal("Not Found: method not found", status=404)
    result = handler(world, bot, args)
    return result if isinstance(result, tuple) else (result, "")


def _get_me(_world: World, bot: Bot, _args: Args) -> object:
    return wire.me(bot)


def _send_message(world: World, bot: Bot, args: Args) -> object:
    words = _words(args)
    message = bots.post(world, bot.id, args.chat(), words, args.number("message_thread_id"), _reply(args))
    return wire.message(world, message)


def _edit_message_text(world: World, bot: Bot, args: Args) -> object:
    words = _words(args)
    if not args.text("chat_id") and not args.number("message_id"):
        raise bad("Message identifier is not specified")
    return wire.message(world, bots.rewrite(world, bot.id, args.chat(), args.number("message_id"), words))


def _delete_message(world: World, bot: Bot, args: Args) -> object:
    bots.erase(world, bot.id, args.chat(), args.number("message_id"))
    return True


def _send_chat_action(world: World, bot: Bot, args: Args) -> object:
    if args.text("action").lower() not in ACTIONS:
        raise bad("Wrong parameter action in request")
    bots.act(world, bot.id, args.chat(), args.number("message_thread_id"))
    return True


def _get_chat(world: World, bot: Bot, args: Args) -> object:
    return wire.full_chat(world, bots.reach(world, bot.id, args.chat(), write=False))


def _get_chat_member(world: World, bot: Bot, args: Args) -> object:
    user = args.number("user_id")
    if user <= 0:
        raise bad("Invalid user_id specified")
    return _member(world, bots.reach(world, bot.id, args.chat(), write=False), user)


def _get_chat_administrators(world: World, bot: Bot, args: Args) -> object:
    chat = bots.reach(world, bot.id, args.chat(), write=False)
    if chat.kind == "private":
        raise bad("there are no administrators in the private chat")
    chiefs = [user for user, status in (chat.members | chat.bots).items() if status in {"creator", "administrator"}]
    return [_member(world, chat, user) for user in chiefs]


def _member(world: World, chat: Chat, user: int) -> wire.Json:
    who = world.people.get(user) or world.bots.get(user)
    if who is None or (chat.kind == "private" and user not in chat.members | chat.bots):
        raise bad("PARTICIPANT_ID_INVALID" if chat.kind != "private" else "User not found")
    return wire.member(who, (chat.members | chat.bots).get(user, "left"))


def _set_my_commands(world: World, bot: Bot, args: Args) -> object:
    given = args.json("commands")
    if args.text("commands") and not isinstance(given, list):
        raise bad("Expected an Array of BotCommand" if given is not None else "Can't parse commands JSON object")
    menu = [_command(item) for item in given or []]
    if len(menu) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    bot.commands[_scope(args)] = menu
    return _menu_changed(world, bot)


def _get_my_commands(_world: World, bot: Bot, args: Args) -> object:
    return bot.commands.get(_scope(args), [])


def _delete_my_commands(world: World, bot: Bot, args: Args) -> object:
    bot.commands.pop(_scope(args), None)
    return _menu_changed(world, bot)


def _menu_changed(world: World, bot: Bot) -> bool:
    world.put(bot)
    world.tell(Event(world.number(), "commands"))
    return True


def _command(item: object) -> Command:
    if not isinstance(item, dict):
        raise bad("Can't parse BotCommand: expected an Object")
    for field in ("command", "description"):
        if not isinstance(item.get(field), str):
            raise bad(f"Can't parse BotCommand: Can't find field \"{field}\"")
    command, description = item["command"].removeprefix("/"), item["description"].strip()
    if not re.fullmatch(r"[a-z0-9_]{1,32}", command):
        raise bad("BOT_COMMAND_INVALID")
    if not 1 <= len(description) <= 256:
        raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    return Command(command, description)


def _scope(args: Args) -> str:
    """default, all_private_chats …, `chat:<id>`, `chat_member:<id>:<user>`; a language goes behind a slash."""
    given = args.json("scope") or {"type": "default"}
    kind = given.get("type") if isinstance(given, dict) else None
    if kind not in SCOPES:
        raise bad("Can't parse BotCommandScope: Unsupported type specified")
    parts = [kind, *(str(given[name]) for name in ("chat_id", "user_id") if name in given)]
    language = args.text("language_code")
    return ":".join(parts) + (f"/{language}" if language else "")


def _get_webhook_info(world: World, bot: Bot, _args: Args) -> object:
    waiting = len(world.queue(bot.id).waiting)
    info = {"url": bot.webhook, "has_custom_certificate": False, "pending_update_count": waiting}
    if bot.webhook:
        info |= {"max_connections": 40, "ip_address": "127.0.0.1"}
    return info | ({"allowed_updates": bot.allowed} if bot.allowed else {})


def _set_webhook(world: World, bot: Bot, args: Args) -> object:
    """Only notes the address: nothing is ever sent there."""
    url = args.text("url").strip()
    if url and not url.startswith("https://"):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    allow(world, bot, args)
    return _hooked(world, bot, args, url, "Webhook was set" if url else "Webhook was deleted")


def _delete_webhook(world: World, bot: Bot, args: Args) -> object:
    return _hooked(world, bot, args, "", "Webhook was deleted" if bot.webhook else "Webhook is already deleted")


def _hooked(world: World, bot: Bot, args: Args, url: str, words: str) -> Result:
    if args.flag("drop_pending_updates"):
        world.queue(bot.id).clear()
    bot.webhook = url
    world.put(bot)
    return True, words


def allow(world: World, bot: Bot, args: Args) -> None:
    """Remembers allowed_updates when they are given; an empty list means the default ones."""
    given = args.json("allowed_updates")
    if isinstance(given, list) and given != bot.allowed:
        bot.allowed = [kind for kind in given if isinstance(kind, str)]
        world.put(bot)


def _words(args: Args) -> Words:
    if not args.text("text"):
        raise bad("Message text is empty")
    if args.text("parse_mode").lower() not in {"", "none"}:
        raise bad("the simulator reads entities only, no parse_mode")
    if args.text("reply_markup"):
        raise bad("the simulator has no reply_markup yet")
    preview = args.json("link_preview_options")
    if args.text("link_preview_options") and not isinstance(preview, dict):
        raise bad("Object expected as link preview options")
    if not preview and args.flag("disable_web_page_preview"):
        preview = {"is_disabled": True}
    return Words(args.text("text"), text.parse(args.json("entities")), preview or None)


def _reply(args: Args) -> Reply:
    given = args.json("reply_parameters")
    if args.text("reply_parameters") and not isinstance(given, dict):
        raise bad(
            "Object expected as reply parameters" if given is not None else "Can't parse reply parameters JSON object"
        )
    if not given:
        return Reply(args.number("reply_to_message_id"), args.flag("allow_sending_without_reply"))
    if not isinstance(given.get("message_id"), int):
        raise bad(
            'Can\'t find field "message_id"'
            if "message_id" not in given
            else 'Field "message_id" must be of type Number'
        )
    if str(given.get("chat_id", args.text("chat_id"))) != args.text("chat_id"):
        raise bad("the simulator has no replies from another chat yet")
    optional = bool(given.get("allow_sending_without_reply"))
    return Reply(max(given["message_id"], 0), optional, str(given.get("quote", "")))


METHODS: dict[str, Callable[[World, Bot, Args], object]] = {
    "getme": _get_me,
    "sendmessage": _send_message,
    "editmessagetext": _edit_message_text,
    "deletemessage": _delete_message,
    "sendchataction": _send_chat_action,
    "getchat": _get_chat,
    "getchatmember": _get_chat_member,
    "getchatadministrators": _get_chat_administrators,
    "setmycommands": _set_my_commands,
    "getmycommands": _get_my_commands,
    "deletemycommands": _delete_my_commands,
    "getwebhookinfo": _get_webhook_info,
    "setwebhook": _set_webhook,
    "deletewebhook": _delete_webhook,
}
