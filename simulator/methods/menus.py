"""Methods about the menu of commands: one for each scope and language."""

import re

from simulator.methods.args import Args
from simulator.records import Bot, Command, bad
from simulator.world import Event, World

SCOPES = {
    "default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat", "chat_administrators",
    "chat_member",
}  # fmt: skip


def set_my_commands(world: World, bot: Bot, args: Args) -> object:
    """setMyCommands."""
    given = args.json("commands")
    if args.text("commands") and not isinstance(given, list):
        raise bad("Expected an Array of BotCommand" if given is not None else "Can't parse commands JSON object")
    menu = [_command(item) for item in given or []]
    if len(menu) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    bot.commands[_scope(args)] = menu
    return _menu_changed(world, bot)


def get_my_commands(_world: World, bot: Bot, args: Args) -> object:
    """getMyCommands."""
    return bot.commands.get(_scope(args), [])


def delete_my_commands(world: World, bot: Bot, args: Args) -> object:
    """deleteMyCommands."""
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
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise bad("Invalid language code specified")
    return ":".join(parts) + (f"/{language}" if language else "")
