"""/persona: who answers in this chat. A switch is greeted by who comes, and the conversation starts afresh."""

from __future__ import annotations

from app.chain.compose import Handler
from app.chain.context import Context
from app.chain.say import Outbox
from app.core import words
from app.core.outcome import End, Outcome
from app.core.tongue import translated
from app.model.persona import Cast, Persona
from handlers.rights import Rights


class Choice:
    """Lists and sets the persona of a chat; kept in the chat's hash, so all its topics have the same."""

    def __init__(self, outbox: Outbox, rights: Rights, *, cast: Cast, name: str) -> None:
        self._outbox = outbox
        self._rights = rights
        self._cast = cast
        self._name = name

    def routes(self) -> dict[str, Handler]:
        """Handlers by command."""
        return {"persona": self.persona}

    async def persona(self, ctx: Context) -> Outcome:
        """`/persona` lists, `/persona keeper` chooses."""
        if not await self._rights.governs(ctx):
            return End("dropped: access")
        asked = ctx.args.split()[0].lower() if ctx.args else ""
        found = self._cast.personas.get(asked) or self._called(ctx.args)
        if found is not None:
            return await self._become(ctx, found)
        unknown = [words.PERSONA_UNKNOWN()] if asked else []
        await self._outbox.answer(ctx.claim, ctx.address, "\n\n".join((*unknown, self._list(ctx))))
        return End("answered")

    async def _become(self, ctx: Context, persona: Persona) -> Outcome:
        """The choice holds once it was said: both are written by the end of this turn."""
        text = words.with_lines(persona.hello(self._name), [words.PERSONA_NOW(name=persona.name)])
        await self._outbox.answer(ctx.claim, ctx.address, text)
        session = ctx.session
        session.clear()
        session.speaker = persona.key
        return End("answered", session=session.dump(), fields=(("persona", persona.key),))

    def _called(self, name: str) -> Persona | None:
        """By the name it calls itself."""
        return next((one for one in self._cast.personas.values() if one.name.lower() == name.strip().lower()), None)

    def _list(self, ctx: Context) -> str:
        now = self._cast.of(ctx.claim.chat.get("persona", ""))
        lines = [f"{key} - {one.name}: {translated(one.about)}" for key, one in self._cast.personas.items()]
        return words.PERSONA_LIST(name=now.name, list="\n".join(lines))
