"""Methods about the menu of commands: one for each scope and language."""

import re

from simulator.access import reach
from simulator.methods.args import Args
from simulator.records import Bot, Command, bad
from simulator.world import Event, World

WIDE = {"default", "all_private_chats", "all_group_chats", "all_chat_administrators"}
NARROW = {"chat", "chat_administrators", "chat_member"}  # of one chat, which the bot has to know


def set_my_commands(world: World, bot: Bot, args: Args) -> object:
    """setMyCommands."""
    given = args.json("commands")
    if args.text("commands") and not isinstance(given, list):
        raise bad("Expected an Array of BotCommand" if given is not None else "Can't parse commands JSON object")
    menu = [_command(item) for item in given or []]
    if len(menu) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    bot.commands[_scope(world, bot, args)] = menu
    return _menu_changed(world, bot)


def get_my_commands(world: World, bot: Bot, args: Args) -> object:
    """getMyCommands."""
    return bot.commands.get(_scope(world, bot, args), [])


def delete_my_commands(world: World, bot: Bot, args: Args) -> object:
    """deleteMyCommands."""
    bot.commands.pop(_scope(world, bot, args), None)
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


def _scope(world: World, bot: Bot, args: Args) -> str:
    """default, all_private_chats …, `chat:<id>`, `chat_member:<id>:<user>`; a language goes behind a slash."""
    given = args.json("scope")
    if args.text("scope") and given is None:
        raise bad("Can't parse BotCommandScope JSON object")
    place = ":".join(_place(world, bot, given)) if args.text("scope") else "default"
    language = args.text("language_code")
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise bad("Invalid language code specified")
    return place + (f"/{language}" if language else "")


def _place(world: World, bot: Bot, given: object) -> list[str]:
    if not isinstance(given, dict):
        raise bad("Can't parse BotCommandScope: BotCommandScope must be an Object")
    named = Args(given)
    kind = named.text("type")
    if kind in WIDE:
        return [kind]
    for field in ("type", "chat_id") if kind in NARROW else ("type",):
        if not named.text(field):
            raise bad(f"Can't parse BotCommandScope: Can't find field \"{field}\"")
    if kind not in NARROW:
        raise bad("Can't parse BotCommandScope: Unsupported type specified")
    place = [kind, str(named.number("chat_id"))]
    if kind == "chat_member":
        if named.number("user_id") <= 0:
            raise bad("Can't parse BotCommandScope: Invalid user_id specified")
        place.append(str(named.number("user_id")))
    reach(world, bot.id, named.number("chat_id"), "members")
    return place
