"""Everything that can go wrong, as one tree. Each border maps a library's errors to these; nobody else sees them.

Error
├─ SettingsError           bad settings, one line each; the process exits with 78
├─ StoreError              Redis
│   ├─ StoreDown           not reachable, or no answer before the right to ask ended
│   ├─ StoreFull           maxmemory reached: nothing was written
│   └─ StoreBroken         NOPERM NOAUTH WRONGTYPE: a person must act
├─ TelegramError           the Bot API; .description in Telegram's words
│   ├─ Unsent              certainly not done, may be repeated
│   ├─ Flooded             429; .retry_after
│   ├─ Doubtful            may have been done
│   ├─ Rejected            400
│   ├─ Forbidden           403
│   ├─ Migrated            the group became a supergroup; .new_chat
│   ├─ Conflict            409: somebody else polls
│   └─ Unauthorised        401 or 404 of the token
├─ ModelError
│   ├─ ModelDown           unreachable, 5xx or timeouts, after the retries
│   ├─ ModelBusy           429 after the retries; .retry_after
│   ├─ ModelExhausted      every key of every endpoint is at its limit; .until (Unix seconds)
│   ├─ ModelRefused        a 4xx that repetition does not heal; .status .reason
│   │   ├─ KeyRefused      401 or 403: the endpoint does not know this key (any more)
│   │   ├─ KeyUnpaid       402 or insufficient_quota: the account behind the key has no money left
│   │   ├─ PromptTooLong   the conversation does not fit into the model's context
│   │   └─ ModelBlind      the model cannot see the prompt's pictures, or refuses these
│   ├─ KeysTooSmall        no question fits into the own limits of any key
│   ├─ ModelCut            ended without finish_reason or [DONE]; .text is what came
│   └─ ModelFailed         an error object inside a 200 answer, or an unreadable body; .reason
├─ QuotaSpent              a quota of the person, the chat or the bot; .scope .limit .resets (Unix seconds) .left .rest
├─ Unparsable              an update that cannot be read
├─ CorruptSession          a session value that cannot be read
└─ TurnOver                how a turn ends early: raised by outbox and handlers, caught in middleware/boundary.py
    ├─ Lost                the claim is gone: let go, send nothing more
    ├─ Held                a pause: give the lane back; .op
    ├─ Later               the chat's pace: give back, come back then; .delay_ms .op
    ├─ Stopped             /stop was asked for before anything was shown
    ├─ Unsure              two doubtful sends of one part: the turn ends `apologised`
    └─ Dead                403: the chat is gone, the turn ends `undeliverable`
"""

from __future__ import annotations

from collections.abc import Iterable

from app.core.allowance import Limit


class Error(Exception):
    """The root of all errors of this project."""


class SettingsError(Error):
    """Settings that cannot be used; ``lines`` holds one sentence per finding."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines

    @staticmethod
    def lines_of(errors: Iterable[BaseException]) -> list[str]:
        """The lines of all bad settings among errors, however deep in groups."""
        found: list[str] = []
        for error in errors:
            inner = getattr(error, "exceptions", ())
            found += error.lines if isinstance(error, SettingsError) else SettingsError.lines_of(inner)
        return found


class StoreError(Error):
    """Redis did not do what was asked."""


class StoreDown(StoreError):
    """Redis is not reachable, or gave no answer in time; a write may have been done."""


class StoreFull(StoreError):
    """Redis reached its maxmemory; nothing was written."""


class StoreBroken(StoreError):
    """Redis refuses for a reason that waiting does not heal: a person must act."""


class TelegramError(Error):
    """The Bot API did not do what was asked; ``description`` is its own sentence, without the token."""

    def __init__(self, description: str = "") -> None:
        super().__init__(description)
        self.description = description


class Unsent(TelegramError):
    """Certainly not done (no connection, or a 5xx of the Bot API itself): may be repeated."""


class Flooded(TelegramError):
    """429: not done; ``retry_after`` seconds must pass first."""

    def __init__(self, retry_after: float, description: str = "") -> None:
        super().__init__(description or f"Too Many Requests: retry after {retry_after:g}")
        self.retry_after = retry_after


class Doubtful(TelegramError):
    """May have been done: the answer was lost, or a gateway's own 5xx page came instead."""


class Rejected(TelegramError):
    """400: the Bot API understood and refuses."""


class Forbidden(TelegramError):
    """403: the bot was blocked, kicked or may not write there."""


class Migrated(TelegramError):
    """The group became a supergroup and goes on as chat ``new_chat``."""

    def __init__(self, new_chat: int, description: str = "") -> None:
        super().__init__(description or f"group chat was upgraded to supergroup chat {new_chat}")
        self.new_chat = new_chat


class Conflict(TelegramError):
    """409: another process polls with this token, or a webhook is set."""


class Unauthorised(TelegramError):
    """401 or 404: Telegram does not know this token."""


class ModelError(Error):
    """The model did not answer."""


class ModelDown(ModelError):
    """Unreachable, 5xx or timeouts, after all retries."""


class ModelBusy(ModelError):
    """429 after all retries; ``retry_after`` seconds until the endpoint promises room (0: it did not say)."""

    def __init__(self, retry_after: float = 0.0, reason: str = "") -> None:
        super().__init__(reason or f"the model is busy, retry after {retry_after:g} s")
        self.retry_after = retry_after


class ModelExhausted(ModelError):
    """Every key of every endpoint is at its limit; ``until``: when the first returns, Unix seconds."""

    def __init__(self, until: float, reason: str = "") -> None:
        super().__init__(reason or "every key is at its limit")
        self.until = until


class ModelRefused(ModelError):
    """A 4xx that repetition does not heal: HTTP ``status`` and the endpoint's ``reason``."""

    def __init__(self, status: int, reason: str = "") -> None:
        super().__init__(f"{status} {reason}".strip())
        self.status = status
        self.reason = reason


class KeyRefused(ModelRefused):
    """401 or 403: the endpoint does not know this key, or not any more."""


class KeyUnpaid(ModelRefused):
    """402 or `insufficient_quota`: the account behind the key has no money left; waiting a minute does not help."""


class PromptTooLong(ModelRefused):
    """The conversation does not fit into the model's context."""


class ModelBlind(ModelRefused):
    """The model cannot see pictures, or refuses those of the prompt: without them it may answer."""


class KeysTooSmall(ModelError):
    """No question fits into the own limits of any key of an endpoint."""


class ModelCut(ModelError):
    """The stream ended without finish_reason or [DONE]; ``text`` is what came before.

    ``why``: the error that the endpoint gave instead of the rest, if it gave one.
    """

    def __init__(self, text: str = "", why: ModelError | None = None) -> None:
        super().__init__(f"the answer was cut off after {len(text)} characters" + (f": {why}" if why else ""))
        self.text = text
        self.why = why


class ModelFailed(ModelError):
    """An error object inside a 200 answer, or a body that cannot be read."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class QuotaSpent(Error):
    """A quota has no room: whose (``scope``: user, chat or bot), which, and when it resets (Unix seconds).

    ``left``: what is left of it, too little for this question though not for every one (0: too little for any).
    ``rest``: what is left of it in any case (0: it is used up).
    ``resets`` is 0 when no reset helps: even the whole of it (``left``), or of it for any question (0), is too little.
    """

    def __init__(self, scope: str, limit: Limit, resets: float, left: int = 0, rest: int = 0) -> None:
        super().__init__(f"the {scope}'s quota of {limit.words} has {max(left, rest)} left")
        self.scope = scope
        self.limit = limit
        self.resets = resets
        self.left = left
        self.rest = max(left, rest)


class Unparsable(Error):
    """An update that cannot be read."""


class CorruptSession(Error):
    """A session value that cannot be read."""


class TurnOver(Error):
    """How a turn ends early."""


class Lost(TurnOver):
    """The claim is gone: let go, send nothing more."""


class Held(TurnOver):
    """A pause reached the turn; ``op`` is the operation id the lane must remember ("" none)."""

    def __init__(self, op: str = "") -> None:
        super().__init__("held by a pause")
        self.op = op


class Later(TurnOver):
    """The chat's pace: give the lane back and come back in ``delay_ms``; ``op`` as in Held."""

    def __init__(self, delay_ms: int, op: str = "") -> None:
        super().__init__(f"come back in {delay_ms} ms")
        self.delay_ms = delay_ms
        self.op = op


class Stopped(TurnOver):
    """/stop was asked for before anything was shown."""


class Unsure(TurnOver):
    """Two doubtful sends of one part: the turn ends `apologised`."""


class Dead(TurnOver):
    """403: the chat is gone, the turn ends `undeliverable`."""


class TopicDead(Dead):
    """The topic is closed or gone; its chat is not."""
