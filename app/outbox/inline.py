"""What stands in a line: words, code, bold and its like, links."""

from __future__ import annotations

from typing import Any

from app.outbox.links import takes
from app.outbox.page import Page
from app.outbox.shield import Shield


class Words:
    """The part of the work that is done within lines.

    Each method takes one event of the parser: its data, and where its source begins and ends.
    """

    def __init__(self, source: str) -> None:
        self.shield = Shield(source)
        self.page = Page(self.shield.text.encode())
        self._open: list[tuple[int, str, str]] = []  # first piece, kind, address or what must follow
        self._quotes = 0
        self._code: list[str] | None = None  # of a block of code

    def _shown(self, text: str) -> str:
        return self.shield.restore(text, quoted=self._quotes > 0)

    def _inline(self, start: int) -> None:
        if self.page.ended:
            self.page.block(start)

    def text(self, value: str, start: int, _: int) -> None:
        if self._code is not None:
            self._code.append(value)
            return
        self._inline(start)
        self.page.words(self.shield.restore(value, quoted=self._quotes > 0, words=True))

    def verbatim(self, value: str, start: int, _: int) -> None:
        self._inline(start)
        first = len(self.page.pieces)
        self.page.write(self._shown(value))
        self.page.span(first, "code")

    def line(self, _: None, __: int, ___: int) -> None:
        self.page.newline()

    def strong(self, _: None, start: int, __: int) -> None:
        self._begin(start, "bold")

    def emphasis(self, _: None, start: int, __: int) -> None:
        self._begin(start, "italic")

    def strike(self, _: None, start: int, __: int) -> None:
        if self.page.source[start + 1 : start + 2] == b"~":
            self._begin(start, "strikethrough")
        else:  # "~5 to ~7"
            self._begin(start, "", "~")
            self.page.write("~")

    def _begin(self, start: int, kind: str, extra: str = "") -> None:
        self._inline(start)
        self._open.append((len(self.page.pieces), kind, extra))

    def style_end(self, _: Any, __: int, ___: int) -> None:
        first, kind, after = self._open.pop()
        self.page.span(first, kind)
        if after:
            self.page.write(after)

    def link(self, value: dict[str, str], start: int, _: int) -> None:
        self._inline(start)
        around = value["link_type"] in {"ShortcutUnknown", "CollapsedUnknown"}
        if around:
            self.page.write("[")
        found = value["link_type"] in {"Autolink", "Email"}
        self._open.append((len(self.page.pieces), "]" if around else "", "" if found else value["dest_url"]))

    def link_end(self, _: None, __: int, ___: int) -> None:
        first, after, address = self._open.pop()
        address, text = self._shown(address), "".join(self.page.pieces[first:])
        if address and not text.strip():
            self.page.write(address)
        elif takes(address):
            if text != address:
                self.page.span(first, "text_link", address)
        elif address and address.removeprefix("mailto:") != text:
            self.page.write(f" ({address})")
        if after:
            self.page.write(after)
