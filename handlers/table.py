"""What the bot can be asked, and who answers it: every handler, put together. Read it for the list of all commands."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from app.chain.figures import Figures
from app.chain.router import Router
from app.core.clock import Clock
from app.core.schema import Me
from app.core.settings import Settings
from app.media.reader import Reader
from app.model.choose import Models
from app.model.persona import Cast
from app.ops.control import Control
from app.ops.metrics import Metrics
from app.outbox.outbox import Outbox
from app.outbox.sender import Sender
from handlers.commands import Commands
from handlers.fallback import Fallback
from handlers.groups import Groups
from handlers.language import Language
from handlers.media import Media
from handlers.notices import Teller
from handlers.operator import Operator
from handlers.persona import Choice
from handlers.privacy import Forgetting, Privacy
from handlers.reply import Reply
from handlers.rights import Rights
from handlers.usage import Usage


@dataclass(frozen=True, slots=True)
class Parts:
    """What handlers are made of."""

    me: Me
    outbox: Outbox
    sender: Sender
    control: Control
    figures: Figures
    models: Models
    cast: Cast
    teller: Teller
    media: Reader
    metrics: Metrics
    forget: Forgetting
    clock: Clock
    operators: frozenset[int]


def table(settings: Settings, parts: Parts) -> tuple[Router, Groups]:
    """Everything that answers a message; and who is told what becomes of us in a chat."""
    outbox, clock, cast = parts.outbox, parts.clock, parts.cast
    rights = Rights(parts.sender, clock, parts.operators)
    name, turns = parts.me.first_name, settings.history_turns
    commands = Commands(outbox, rights, cast=cast, name=name, hears=parts.media.hears)
    operator = Operator(parts.control, outbox, rights, clock, scope=settings.lane_scope)
    usage = Usage(outbox, rights, parts.figures, parts.models.ledger)
    choice = Choice(outbox, rights, cast=cast, name=name)
    allowed = settings.allow_ids | parts.operators if settings.allow_ids else frozenset[int]()
    groups = Groups(outbox, rights, parts.sender, parts.me, mode=settings.group_mode, allowed=allowed)
    privacy = Privacy(outbox, rights, parts.forget, hosts=hosts(settings), turns=turns, days=settings.session_days)
    reply = Reply(
        parts.models.model,
        outbox,
        parts.metrics,
        parts.teller,
        clock,
        parts.media,
        cast=cast,
        history_turns=turns,
        history_tokens=settings.history_tokens,
    )
    language = Language(outbox, rights, groups=settings.group_language)
    routes = (commands, operator, usage, choice, groups, privacy, language)
    by_command = {name: handler for one in routes for name, handler in one.routes().items()}
    media = Media(reply, Fallback(outbox), hears=parts.media.hears)
    return Router({**by_command, "retry": reply.retry}, default=reply, other=media, hint=commands.hint), groups


def hosts(settings: Settings) -> list[str]:
    """Where questions go; none for the offline model."""
    voice = settings.transcribe_base_url if settings.transcribe_model else None
    urls = (settings.model_base_url, voice, *(fallback.base_url for fallback in settings.model_fallbacks))
    return [*dict.fromkeys(host for url in urls if url and (host := urlsplit(url).hostname))]
