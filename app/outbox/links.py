"""Addresses: which of them Telegram takes as a link, and those that a text defines in lines like ``[1]: https://…``."""

from __future__ import annotations

import re

_LINK = re.compile(
    r"https?://[\w-]+(?:\.[\w-]+)+(?::(?!0+\b)[0-5]?\d{1,4})?(?:[/?#][^\s\x00-\x20\x7f]{0,2000})?", re.IGNORECASE
)
_DEFINITION = re.compile(r"^[ \t>]*\[([^\[\]\n]{1,99})\]:[ \t]*<?(https?://[^\s<>]+)", re.MULTILINE | re.IGNORECASE)


def takes(address: str) -> bool:
    """Whether Telegram takes it; it refuses the whole message for any other (LinkManager.cpp of tdlib).

    Its own kind, ``tg://user?id=1``, could call people to the chat, so a model may not use it.
    """
    return _LINK.fullmatch(address) is not None


class Definitions:
    """The addresses that a text gives names to."""

    def __init__(self, source: str) -> None:
        self._known = {_label(name): address for name, address in _DEFINITION.findall(source)} if "]:" in source else {}

    def __bool__(self) -> bool:
        return bool(self._known)

    def find(self, name: str) -> tuple[str, str] | None:
        """Address and title, as the parser asks for them."""
        address = self._known.get(_label(name))
        return (address, "") if address else None


def _label(name: str) -> str:
    return " ".join(name.split()).casefold()
