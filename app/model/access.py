"""A key made ready to be sent. It stands in the Authorization header and nowhere else: all others see its label."""

from __future__ import annotations

from hashlib import sha256

from app.core.http import Headers

LABEL_LENGTH = 6
SHORT = 12  # of a shorter key its end would tell too much


def label_of(*parts: str) -> str:
    """A short name that is the same in every process, and tells nothing of what it was made from."""
    return sha256("\n".join(parts).encode()).hexdigest()[:LABEL_LENGTH]


class Access:
    """The right to ask one endpoint; "" is that of an endpoint without keys."""

    __slots__ = ("_secret", "headers", "keyless", "label", "shown")

    def __init__(self, base_url: str, secret: str = "") -> None:
        self._secret = secret
        self.keyless = not secret
        self.label = label_of(base_url, secret)
        end = f"…{secret[-4:]}" if len(secret) >= SHORT else "…"
        self.shown = f"{end} ({self.label})" if secret else "no key"
        bearer = {"Authorization": f"Bearer {secret}"} if secret else {}
        # One object for all requests: the connections write it out once.
        self.headers = Headers({"Content-Type": "application/json", **bearer})

    def clean(self, words: str) -> str:
        """The words without the key: some endpoints repeat it in their errors."""
        return words.replace(self._secret, "<key>") if self._secret else words

    def __repr__(self) -> str:
        return f"<Access {self.shown}>"
