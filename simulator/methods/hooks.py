"""Methods about webhooks, and which kinds of updates a bot asked for."""

from simulator.methods.args import Args
from simulator.records import Bot, bad
from simulator.world import World

Result = tuple[object, str]  # the result, and a description beside it


def get_webhook_info(world: World, bot: Bot, _args: Args) -> object:
    """getWebhookInfo."""
    waiting = len(world.queue(bot.id).waiting)
    info = {"url": bot.webhook, "has_custom_certificate": False, "pending_update_count": waiting}
    if bot.webhook:
        info |= {"max_connections": 40, "ip_address": "127.0.0.1"}
    return info | ({"allowed_updates": bot.allowed} if bot.allowed else {})


def set_webhook(world: World, bot: Bot, args: Args) -> object:
    """setWebhook: only notes the address, nothing is ever sent there."""
    url = args.text("url").strip()
    if url and not url.startswith("https://"):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    allow(world, bot, args)
    return _hooked(world, bot, args, url, "Webhook was set" if url else "Webhook was deleted")


def delete_webhook(world: World, bot: Bot, args: Args) -> object:
    """deleteWebhook."""
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
