"""The Bot API's methods over the world: what they read and answer. getUpdates waits, so server.py has it."""

from collections.abc import Callable

from simulator.methods import chats, hooks, menus, talk
from simulator.methods.args import Args
from simulator.methods.hooks import Result, allow
from simulator.records import Bot, Refusal
from simulator.world import World

__all__ = ["METHODS", "Args", "allow", "call"]

METHODS: dict[str, Callable[[World, Bot, Args], object]] = {
    "getme": chats.get_me,
    "sendmessage": talk.send_message,
    "sendmessagedraft": talk.send_message_draft,
    "editmessagetext": talk.edit_message_text,
    "editmessagereplymarkup": talk.edit_message_reply_markup,
    "deletemessage": talk.delete_message,
    "sendchataction": talk.send_chat_action,
    "setmessagereaction": talk.set_message_reaction,
    "answercallbackquery": talk.answer_callback_query,
    "getfile": talk.get_file,
    "getchat": chats.get_chat,
    "getchatmember": chats.get_chat_member,
    "getchatadministrators": chats.get_chat_administrators,
    "leavechat": chats.leave_chat,
    "setmycommands": menus.set_my_commands,
    "getmycommands": menus.get_my_commands,
    "deletemycommands": menus.delete_my_commands,
    "getwebhookinfo": hooks.get_webhook_info,
    "setwebhook": hooks.set_webhook,
    "deletewebhook": hooks.delete_webhook,
}


def call(world: World, bot: Bot, method: str, args: Args) -> Result:
    """Does a method, whose name may be in any case; returns its result and a description beside it or ""."""
    handler = METHODS.get(method.lower())
    if handler is None:
        raise Refusal("Not Found: method not found", status=404)
    result = handler(world, bot, args)
    return result if isinstance(result, tuple) else (result, "")
