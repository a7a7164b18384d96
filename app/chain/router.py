"""Which handler a turn belongs to."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass

from app.chain.compose import Handler
from app.chain.context import Context
from app.core.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Router:
    """Commands by name; ``default`` for words; ``hint`` for unknown commands; ``other`` for all else."""

    commands: Mapping[str, Handler]
    default: Handler
    other: Handler
    hint: Handler

    def __call__(self, ctx: Context) -> Awaitable[Outcome]:
        if ctx.command:
            return self.commands.get(ctx.command, self.hint)(ctx)
        if ctx.text or (not ctx.media and ctx.points):
            return self.default(ctx)
        return self.other(ctx)
