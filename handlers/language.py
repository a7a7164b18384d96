"""/language: which language the bot speaks in a chat, where that of the person's app, or of groups, is not wanted."""

from __future__ import annotations

from app.chain.compose import Handler
from app.chain.context import Context
from app.chain.say import Outbox, say
from app.core import words
from app.core.outcome import End, Outcome
from app.core.tongue import ENGLISH, FIELD, LANGUAGES, known, speaking, spoken_in
from handlers.rights import Rights

AUTO = "auto"
_NAMES = {name.casefold(): code for code, name in LANGUAGES.items()}


class Language:
    """Says and sets the language of a chat, kept in its hash; ``groups`` is that of groups which have chosen none."""

    def __init__(self, outbox: Outbox, rights: Rights, *, groups: str = ENGLISH) -> None:
        self._outbox = outbox
        self._rights = rights
        self._groups = groups

    def routes(self) -> dict[str, Handler]:
        """Handlers by command."""
        return {"language": self.language}

    async def language(self, ctx: Context) -> Outcome:
        """`/language` lists, `/language de` or `/language Deutsch` chooses, `/language auto` chooses no more."""
        if not await self._rights.governs(ctx):
            return End("dropped: access")
        asked = ctx.args.casefold()
        if asked == AUTO:
            return await self._become(ctx, self._auto(ctx), "")
        if chosen := _NAMES.get(asked) or _code(asked):
            return await self._become(ctx, chosen, chosen)
        lines = [f"{code} - {name}" for code, name in LANGUAGES.items()]
        lines.append(f"{AUTO} - {words.LANGUAGE_AUTO['private' if ctx.private else 'group']()}")
        now = "\n".join((words.LANGUAGE_NOW(), *lines))
        return await self._say(ctx, f"{words.LANGUAGE_UNKNOWN()}\n\n{now}" if asked else now)

    async def _become(self, ctx: Context, language: str, kept: str) -> Outcome:
        with speaking(language):
            return await self._say(ctx, words.LANGUAGE_SET(), ((FIELD, kept),))

    def _auto(self, ctx: Context) -> str:
        """What is spoken where nothing was chosen."""
        author = ctx.message.from_
        return spoken_in({}, author.language_code if author else None, self._groups, private=ctx.private)

    async def _say(self, ctx: Context, text: str, fields: tuple[tuple[str, str], ...] = ()) -> Outcome:
        return await say(self._outbox, ctx.claim, ctx.address, text, fields)


def _code(asked: str) -> str:
    """One of LANGUAGES by its code, perhaps with a country behind it; "" for none."""
    found = known(asked)
    return found if found != ENGLISH or asked[:3] in ("en", "en-", "en_") else ""
