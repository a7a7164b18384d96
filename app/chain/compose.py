"""The onion: layers around a handler, the first one outermost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from app.chain.context import Context
from app.core.outcome import Outcome

Handler = Callable[[Context], Awaitable[Outcome]]
Middleware = Callable[[Context, Handler], Awaitable[Outcome]]


def compose(layers: Sequence[Middleware], handler: Handler) -> Handler:
    """Nest ``layers`` around ``handler``."""
    for layer in reversed(layers):
        handler = _around(layer, handler)
    return handler


def _around(layer: Middleware, inner: Handler) -> Handler:
    return lambda ctx: layer(ctx, inner)
