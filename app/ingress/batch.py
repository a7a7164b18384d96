"""An answer of getUpdates as the updates in it, each the bytes that Telegram sent.

One that the decoder refuses is cut by hand, so that an update which nobody can read hurts only itself.
"""

from __future__ import annotations

import msgspec

from app.core.cut import members, mended, parts
from app.core.errors import Unparsable


class Batch(msgspec.Struct):
    """What Telegram answers."""

    ok: bool
    result: list[msgspec.Raw]


_batch = msgspec.json.Decoder(Batch)


def read(body: bytes) -> list[bytes]:
    """The updates, in order; raises Unparsable for what is no list of them.

    Only a surrogate without its other half is not left as it was: the update could not be answered.
    """
    try:
        batch = _batch.decode(body)
        ok, updates = batch.ok, [bytes(raw) for raw in batch.result]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        ok, updates = _by_hand(mended(body))
    if not ok:
        raise Unparsable("getUpdates answered ok=false")
    return updates


def _by_hand(body: bytes) -> tuple[bool, list[bytes]]:
    try:
        answer = members(body)
        ok, result = answer[b"ok"], answer[b"result"]
        if ok not in (b"true", b"false") or not result.startswith(b"["):
            raise Unparsable("another shape")
        return ok == b"true", parts(result)
    except (Unparsable, KeyError):
        raise Unparsable("getUpdates answered something that is not a list of updates") from None
