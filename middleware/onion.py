"""What every message passes through before it is answered: every layer, put together. Read it for their order."""

from __future__ import annotations

from app.chain.compose import Handler, compose
from app.core.clock import Clock
from app.core.schema import Me
from app.core.settings import Settings
from app.ops.metrics import Metrics
from app.ops.recent import Recent
from app.outbox.outbox import Outbox
from middleware.access import Access
from middleware.boundary import Boundary
from middleware.deadline import Deadline
from middleware.observe import Observe
from middleware.paste import Paste
from middleware.pause import Pause
from middleware.prefix import Prefix
from middleware.sanitise import Sanitise
from middleware.spent import Spent, Tell
from middleware.tally import Tally
from middleware.throttle import Throttle


def onion(
    settings: Settings,
    me: Me,
    outbox: Outbox,
    tell: Tell,
    recent: Recent,
    metrics: Metrics,
    clock: Clock,
    operators: frozenset[int],
    router: Handler,
) -> Handler:
    """The layers around ``router``, outermost first."""
    turns, tokens, hold = settings.history_turns, settings.history_tokens, settings.model_exhausted == "hold"
    spent = Spent(tell, clock, hold=hold, hold_seconds=settings.hold_minutes * 60)
    return compose(
        [
            Observe(metrics, level=settings.log_level),  # counts what happens, whatever happens
            Boundary(outbox, clock, recent, history_turns=turns, history_tokens=tokens),  # errors become ends
            Pause(),  # gives a running turn back; the scripts are the gate
            Access(settings.allow_ids, operators),  # who may talk with the bot
            Paste(clock),  # a long text may go on in the next message
            Prefix(settings.ignore_prefix, me.username),  # what is not meant for it
            Sanitise(outbox, me.username, emoji=settings.emoji),  # controls, tags, its own mention
            Throttle(settings.user_messages_per_minute, operators),  # who writes too fast
            Deadline(settings.turn_seconds),  # a turn may take this long
            Tally(spent, metrics),  # limits: told once, or held; counted
        ],
        router,
    )
