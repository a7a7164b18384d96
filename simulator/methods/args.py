"""The parameters of a call: a form brings them all as strings, JSON with types of their own."""

import re
from typing import Any

import msgspec

from simulator.records import bad


class Args:
    """The parameters of one call, read as the server reads them."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = {name: value for name, value in given.items() if value is not None}

    def text(self, name: str) -> str:
        """A string; numbers are written out."""
        value = self._given.get(name, "")
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()

    def number(self, name: str) -> int:
        """An integer; what is none counts as 0, as with Telegram."""
        found = re.match(r"\s*([-+]?\d{1,18})", self.text(name))
        return int(found[1]) if found else 0

    def flag(self, name: str) -> bool:
        """A boolean."""
        return self.text(name).lower() in {"true", "yes", "1"}

    def json(self, name: str) -> Any:
        """Nested JSON, also inside a string; None when there is none or it cannot be read."""
        value = self._given.get(name)
        if not isinstance(value, str):
            return value
        try:
            return msgspec.json.decode(value) if value else None
        except msgspec.DecodeError:
            return None

    def chat(self) -> int:
        """chat_id; names like @channel are nobody here."""
        if not self.text("chat_id"):
            raise bad("chat_id is empty")
        return self.number("chat_id")
