"""The text that grows while Markdown is read: pieces, spans that name pieces, and the lines between blocks.

Since spans name pieces, a piece may still change after spans were laid over it. Blank lines stay where the writer had
them.
"""

from __future__ import annotations

import re
from itertools import accumulate

from app.outbox.clean import clean
from app.outbox.shield import UNDERLINE, UNDERLINE_END
from app.outbox.spans import Span

DEEPEST = 8  # levels of indentation and of inner quotes that are shown
# Where the next block begins: at a line's start, behind the mark of a list's item, or in a line that has text.
START, MARKER, LINE = range(3)

_MARK = re.compile(rf"(\|\||[{UNDERLINE}{UNDERLINE_END}])")
_KINDS = {"||": "spoiler", UNDERLINE: "underline", UNDERLINE_END: "underline"}
_CJK = "\u2e80"  # from here on scripts that put no space between words


class Page:
    """Text with its formatting, as far as it is written."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.pieces: list[str] = []
        self.spans: list[Span] = []
        self.at = START
        self.ended = False  # a block ended; text that follows it in an item begins a line
        self.margins: list[str] = []
        self._marks: list[int] = []  # pieces of this paragraph that may begin or end a spoiler

    def write(self, text: str) -> None:
        """Text in the line."""
        self.pieces.append(clean(text))
        self.at = LINE

    def words(self, text: str) -> None:
        """Text in which marks of spoilers and underlining may stand."""
        for index, piece in enumerate(_MARK.split(text)):
            if index % 2:
                self._marks.append(len(self.pieces))
            if piece:
                self.write(piece)

    def span(self, first: int, kind: str, extra: str = "") -> None:
        """Format what was written since the piece ``first``."""
        if kind and first < len(self.pieces):
            self.spans.append(Span(first, len(self.pieces), kind, extra))

    def newline(self) -> None:
        """A line that belongs to the same block."""
        self.write("\n" + self.margin)

    @property
    def margin(self) -> str:
        """What stands before each line of the lists and inner quotes that are open."""
        return "".join(self.margins[:DEEPEST])

    def block(self, start: int, *, own_line: bool = False) -> None:
        """Begin a block, which stands at ``start`` in the source; code and quotes need a line of their own."""
        self.settle()
        margin = "" if own_line else self.margin
        if self.at == LINE:
            blank = f"\n{self.margin.rstrip()}" if self._blank(start) else ""
            self.pieces.append(f"{blank}\n{margin}")
        elif self.at == MARKER and own_line:
            self.pieces.append("\n")
        self.at, self.ended = START, False

    def end(self) -> None:
        """A block that is no paragraph has ended."""
        self.settle()
        self.at, self.ended = LINE, True

    def _blank(self, start: int) -> bool:
        """Whether an empty line stands before that place of the source."""
        lines = 0
        while start and (sign := self.source[start - 1]) in b"\n \t>":
            lines += sign == 10
            if lines == 2:
                return True
            start -= 1
        return False

    def settle(self) -> None:
        """The marks of a paragraph that has ended: those of a pair become formatting, others stay as they are."""
        begun: dict[str, int] = {}
        edges = [(self._edge(index, -1, 1), self._edge(index, 1, -1)) for index in self._marks]
        for index, (ends, begins) in zip(self._marks, edges, strict=True):
            mark = self.pieces[index]
            kind = _KINDS[mark]
            first = begun.get(kind, index)
            if index - first > 1 and (mark == UNDERLINE_END or (mark == "||" and ends)):
                self.pieces[first] = self.pieces[index] = ""
                self.spans.append(Span(first, index + 1, kind))
                del begun[kind]
            elif mark == UNDERLINE or (mark == "||" and begins):
                begun[kind] = index
        for index in self._marks:
            self.pieces[index] = {UNDERLINE: "<u>", UNDERLINE_END: "</u>"}.get(self.pieces[index], self.pieces[index])
        self._marks.clear()

    def _edge(self, index: int, inner: int, outer: int) -> bool:
        """Whether a word stands on the one side of a mark, and a space or the like on the other."""
        within, beyond = self._beside(index, inner), self._beside(index, outer)
        return not within.isspace() and (not beyond.isalnum() or beyond >= _CJK)

    def _beside(self, index: int, step: int) -> str:
        index += step
        while 0 <= index < len(self.pieces):
            if piece := self.pieces[index]:
                return piece[0 if step > 0 else -1]
            index += step
        return " "

    def result(self) -> tuple[str, list[Span]]:
        """The text, and the spans in characters."""
        self.settle()
        ends = [0, *accumulate(map(len, self.pieces))]
        return "".join(self.pieces), [Span(ends[s.start], ends[s.end], s.kind, s.extra) for s in self.spans]
