"""What several methods read: the words of a message, the message it answers, the buttons under it."""

from typing import Any

from simulator.bots import Keyboard, Reply, Words
from simulator.entities import parse
from simulator.links import checked
from simulator.methods.args import Args
from simulator.records import Button, bad

MOST_DATA = 64  # bytes of callback_data
MOST_BUTTONS = 100


def words(args: Args) -> Words:
    """The text of a message with all that belongs to it."""
    if not args.text("text"):
        raise bad("Message text is empty")
    plain(args)
    preview = args.json("link_preview_options")
    if args.text("link_preview_options") and not isinstance(preview, dict):
        why = "Object expected as link preview options"
        raise bad(why if preview is not None else "Can't parse link preview options JSON object")
    if not preview and args.flag("disable_web_page_preview"):
        preview = {"is_disabled": True}
    return Words(args.text("text"), parse(args.json("entities")), preview or None, buttons(args))


def reply(args: Args) -> Reply:
    """Which message is answered."""
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


def plain(args: Args) -> None:
    """Refuses parse_mode: here texts come with entities."""
    if args.text("parse_mode").lower() not in {"", "none"}:
        raise bad("the simulator reads entities only, no parse_mode")


def buttons(args: Args) -> Keyboard:
    """The inline keyboard, [] when there is none."""
    given = args.json("reply_markup")
    if not args.text("reply_markup"):
        return []
    if not isinstance(given, dict):
        raise bad(
            "Object expected as reply markup" if given is not None else "Can't parse reply keyboard markup JSON object"
        )
    if not given:
        return []
    if "inline_keyboard" not in given:
        raise bad("the simulator has inline keyboards only")
    rows = given["inline_keyboard"]
    if not isinstance(rows, list):
        raise bad('Field "inline_keyboard" must be of type Array')
    if not all(isinstance(row, list) for row in rows):
        raise bad('Field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    keyboard = [[_button(item) for item in row] for row in rows if row]
    if sum(len(row) for row in keyboard) > MOST_BUTTONS:
        raise bad("reply markup is too long")
    return keyboard


def _button(item: Any) -> Button:
    if not isinstance(item, dict):
        raise bad("Can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    for field in ("text", "url", "callback_data"):
        if not isinstance(item.get(field, ""), str):
            raise bad(f'Can\'t parse inline keyboard button: Field "{field}" must be of type String')
    if "text" not in item:
        raise bad("Can't parse inline keyboard button: Can't find field \"text\"")
    if not item["text"].strip():
        raise bad("Inline keyboard button text must be non-empty")
    if item.get("url"):
        return Button(item["text"], url=_link(item["url"]))
    if item.get("callback_data"):
        if len(item["callback_data"].encode()) > MOST_DATA:
            raise bad("BUTTON_DATA_INVALID")
        return Button(item["text"], item["callback_data"])
    copied = item.get("copy_text")
    if isinstance(copied, dict) and isinstance(copied.get("text"), str):
        return Button(item["text"], copy_text={"text": copied["text"]})
    raise bad("Can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")


def _link(url: str) -> str:
    try:
        return checked(url)
    except ValueError as problem:
        raise bad(f"Inline keyboard button URL '{url}' is invalid: {problem}") from None
