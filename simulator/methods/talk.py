"""Methods that say something: messages, edits, drafts, reactions, answers to pressed buttons, files that came."""

from typing import Any

from simulator import bots, buttons, drafts, reactions, uploads, wire
from simulator.bots import Words
from simulator.entities import parse
from simulator.methods import reading
from simulator.methods.args import Args
from simulator.records import Bot, bad
from simulator.shelf import MOST_SENT
from simulator.world import World

ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
}  # fmt: skip


def send_message(world: World, bot: Bot, args: Args) -> object:
    """sendMessage."""
    words = reading.words(args)
    message = bots.post(world, bot.id, args.chat(), words, args.number("message_thread_id"), reading.reply(args))
    return wire.message(world, message)


def edit_message_text(world: World, bot: Bot, args: Args) -> object:
    """editMessageText."""
    words = reading.words(args)
    return wire.message(world, bots.rewrite(world, bot.id, *_which(args), words))


def edit_message_reply_markup(world: World, bot: Bot, args: Args) -> object:
    """editMessageReplyMarkup."""
    keyboard = reading.buttons(args)
    return wire.message(world, bots.rebutton(world, bot.id, *_which(args), keyboard))


def delete_message(world: World, bot: Bot, args: Args) -> object:
    """deleteMessage."""
    for name, what in (("chat_id", "Chat"), ("message_id", "Message")):
        if not args.text(name):
            raise bad(f"{what} identifier is not specified")
    bots.erase(world, bot.id, args.chat(), args.number("message_id"))
    return True


def send_chat_action(world: World, bot: Bot, args: Args) -> object:
    """sendChatAction."""
    if args.text("action").lower() not in ACTIONS:
        raise bad("Wrong parameter action in request")
    bots.act(world, bot.id, args.chat(), args.number("message_thread_id"))
    return True


def send_message_draft(world: World, bot: Bot, args: Args) -> object:
    """sendMessageDraft."""
    reading.plain(args)
    if args.number("message_thread_id"):
        raise bad("Message thread not found")
    words = Words(args.text("text"), parse(args.json("entities")))
    ways = {name: args.flag(name) for name in ("can_stop", "keep_on_stop")}
    drafts.show(world, bot.id, args.chat(), words, args.number("draft_id"), **ways)
    return True


def set_message_reaction(world: World, bot: Bot, args: Args) -> object:
    """setMessageReaction; is_big only plays a larger animation once, which this page has not."""
    given = args.json("reaction")
    if args.text("reaction") and not isinstance(given, list):
        raise bad(
            "Expected an Array of ReactionType" if given is not None else "Can't parse reaction types JSON object"
        )
    emoji = [_emoji(item) for item in given or []]
    reactions.react(world, bot.id, args.chat(), args.number("message_id"), emoji)
    return True


def answer_callback_query(world: World, bot: Bot, args: Args) -> object:
    """answerCallbackQuery."""
    buttons.answer(world, bot.id, args.text("callback_query_id"), args.text("text"), args.flag("show_alert"))
    return True


def get_file(world: World, _bot: Bot, args: Args) -> object:
    """getFile: where the bytes can be fetched, up to 20 MB."""
    if not args.text("file_id"):
        raise bad("file_id not specified")
    for kind, prefix in wire.PREFIXES.items():
        found = world.files.get(args.text("file_id").removeprefix(prefix))
        if found is not None and args.text("file_id").startswith(prefix):
            if found.gone:
                raise bad("wrong file_id or the file is temporarily unavailable")
            if found.size > MOST_SENT:
                raise bad("file is too big")
            return wire.file(found, kind) | {"file_path": uploads.path_of(found, kind)}
    raise bad("invalid file_id")


def _which(args: Args) -> tuple[int, int]:
    """Chat and number of the message that is changed."""
    if not args.text("chat_id") and not args.number("message_id"):
        raise bad("Message identifier is not specified")
    return args.chat(), args.number("message_id")


def _emoji(item: Any) -> str:
    """The emoji of a ReactionType, "" for a custom one, which bots may not choose."""
    if not isinstance(item, dict):
        raise bad("Can't parse ReactionType: expected an Object")
    if not isinstance(item.get("type"), str):
        raise bad("Can't parse ReactionType: Can't find field \"type\"")
    if item["type"] not in {"emoji", "custom_emoji"}:
        raise bad("Can't parse ReactionType: invalid reaction type specified")
    field = "emoji" if item["type"] == "emoji" else "custom_emoji_id"
    if not isinstance(item.get(field), str):
        raise bad(f"Can't parse ReactionType: Can't find field \"{field}\"")
    return str(item.get("emoji", "")) if item["type"] == "emoji" else ""
