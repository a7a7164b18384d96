"""The events of the Markdown parser, one after the other, into text and formatting; nothing that has words is dropped.

What Telegram cannot format stays visible: marks of HTML, links it refuses, a second quote in a quote, tables as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyromark

from app.outbox.clean import clean
from app.outbox.inline import Words
from app.outbox.links import Definitions
from app.outbox.page import DEEPEST, MARKER, START, Page
from app.outbox.spans import Span
from app.outbox.table import table

_OPTIONS = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_TASKLISTS
    | pyromark.Options.ENABLE_GFM
)
_RULE = "———"
_BULLETS = "•◦▪"
_DONE, _TO_DO = "☑ ", "☐ "
_QUOTE = "> "  # before the lines of a quote in a quote, of which Telegram shows one only
_TAB = 4  # Telegram makes one space of a tab, also in code
_LONGEST_HEADING = 64  # a longer line over "---" is a paragraph that a line follows

_LANGUAGE = re.compile(r"\{?\.?([\w+#-][\w+#.-]{0,31})")
_NUMBER = re.compile(rb"(\d{1,9})([.)])")
_BAR = re.compile(r"(?<!\\)\|")  # between cells
_BREAK = re.compile(r"<br */?>", re.IGNORECASE)


def render(source: str) -> tuple[str, list[Span]]:
    """The text that people see, and what is formatted in it."""
    work = Render(source)
    known = Definitions(source)
    events = pyromark.events_with_range(
        work.shield.text,
        options=_OPTIONS,
        merge_text=True,
        broken_link_callback=(lambda link: known.find(link["reference"])) if known else None,
    )
    event: Any
    for event, place in events:
        if isinstance(event, str):
            name, value = event, None
        else:
            [(name, value)] = event.items()
            if name in _NESTED:
                tag, value = (value, None) if isinstance(value, str) else next(iter(value.items()))
                name = f"{name} {tag}"
        if handler := _HANDLERS.get(name):
            handler(work, value, place["start"], place["end"])
    return work.page.result()


class Render(Words):
    """One text on its way: the blocks that are open at the place that was reached."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._lists: list[list[int] | None] = []  # of a numbered one: the number last written, and last shown
        self._marker = -1  # the piece that marks the item which begins
        self._outside: list[str] = []  # the margins of what holds the quote
        self._rows: list[list[str]] = []
        self._alignments: tuple[str, ...] = ()
        self._links: list[tuple[str, str]] = []  # in the table
        self._aside: Page | None = None  # the page, while a cell is written beside it
        self._reached = 0  # where the last cell ended in the source

    def paragraph(self, _: None, start: int, __: int) -> None:
        self.page.block(start)

    def paragraph_end(self, _: None, __: int, ___: int) -> None:
        self.page.settle()

    def heading(self, _: Any, start: int, __: int) -> None:
        self.page.block(start)
        self._open.append((len(self.page.pieces), "bold", ""))

    def heading_end(self, _: Any, start: int, end: int) -> None:
        first, kind, _after = self._open.pop()
        lines = self.page.source[start:end].rstrip().split(b"\n")
        under = lines[-1].strip(b" \t>") if len(lines) > 1 else b""
        if not under or (len(under) > 2 and len(lines) == 2 and len(lines[0]) <= _LONGEST_HEADING):
            self.page.span(first, kind)
        else:  # a list or a line that only begins
            self.page.newline()
            self.page.write(_RULE if len(under) > 2 else under.decode())
        self.page.end()

    def rule(self, _: None, start: int, __: int) -> None:
        self.page.block(start)
        self.page.write(_RULE)
        self.page.end()

    def code(self, value: str | dict[str, str], _: int, __: int) -> None:
        info = value["Fenced"] if isinstance(value, dict) else ""
        self._open.append((0, info, ""))
        self._code = []

    def code_end(self, _: None, start: int, __: int) -> None:
        _first, info, _after = self._open.pop()
        code, info = self._shown("".join(self._code or ())), self._shown(info).strip()
        self._code = None
        language = _LANGUAGE.match(info)
        if not code.strip() and info and not (language and language[0] == info):
            code, language = info, None  # words behind a fence and nothing else
        if code.strip():
            self._verbatim_block(start, code.rstrip().expandtabs(_TAB).strip("\n"), language[1] if language else "")
            self.page.end()

    def _verbatim_block(self, start: int, text: str, language: str = "") -> None:
        self.page.block(start, own_line=True)
        first = len(self.page.pieces)
        self.page.write(text)
        self.page.span(first, "pre", language)

    def quote(self, title: str | None, start: int, _: int) -> None:
        page = self.page
        page.block(start, own_line=not self._quotes)
        self._quotes += 1
        if self._quotes == 1:
            self._outside, page.margins = page.margins, []
        else:
            page.write(_QUOTE if len(page.margins) < DEEPEST else "")
            page.margins.append(_QUOTE)
        page.at = START
        self._open.append((len(page.pieces), "", ""))
        if title:
            page.write(title)
            page.span(len(page.pieces) - 1, "bold")
            page.end()

    def quote_end(self, _: Any, __: int, ___: int) -> None:
        first, _kind, _after = self._open.pop()
        self.page.settle()
        self._quotes -= 1
        if self._quotes:
            self.page.margins.pop()
        else:
            self.page.span(first, "blockquote")
            self.page.margins = self._outside
        self.page.end()

    # Lists

    def list_(self, number: int | None, _: int, __: int) -> None:
        self._lists.append(None if number is None else [-1, number - 1])

    def list_end(self, _: Any, __: int, ___: int) -> None:
        self._lists.pop()
        self.page.end()

    def item(self, _: None, start: int, __: int) -> None:
        self.page.block(start)
        numbers = self._lists[-1]
        mark = _BULLETS[min(len(self._lists), len(_BULLETS)) - 1]
        if numbers and (found := _NUMBER.match(self.page.source, start)):
            # Counted on where all have one number, else as written, also backwards.
            written = int(found[1])
            numbers[:] = [written, written if written != numbers[0] else numbers[1] + 1]
            mark = f"{numbers[1]}{found[2].decode()}"
        self._marker = len(self.page.pieces)
        self.page.write(f"{mark} ")
        self.page.at = MARKER
        self.page.margins.append(" " * (len(mark) + 1))

    def item_end(self, _: None, start: int, __: int) -> None:
        if self.page.at == MARKER and self._lists[-1] is None:  # nothing else: perhaps the answer is "+"
            self.page.pieces[self._marker] = self.page.source[start : start + 1].decode()
        self.page.margins.pop()
        self.page.end()

    def task(self, done: bool, _: int, __: int) -> None:
        box = _DONE if done else _TO_DO
        if self._lists[-1] is None:
            self.page.pieces[self._marker] = box
        else:
            self.page.pieces[self._marker] += box

    # Tables

    def table(self, alignments: tuple[str, ...], _: int, __: int) -> None:
        self._alignments, self._rows, self._links = alignments, [], []

    def row(self, _: None, start: int, __: int) -> None:
        self._rows.append([])
        self._reached = start

    def row_end(self, _: None, __: int, end: int) -> None:
        """The cells that the table has no head for, which the parser leaves out."""
        more = self._shown(self.page.source[self._reached : end].decode())
        self._rows[-1] += [clean(cell).strip().replace("\\|", "|") for cell in _BAR.split(more) if cell.strip()]

    def cell(self, _: None, __: int, ___: int) -> None:
        self._aside, self.page = self.page, Page(self.page.source)

    def cell_end(self, _: None, __: int, end: int) -> None:
        self._reached = end
        cell, spans = self.page.result()
        assert self._aside
        self.page = self._aside
        self._rows[-1].append(_BREAK.sub("\n", cell))
        self._links += [(cell[span.start : span.end], span.extra) for span in spans if span.kind == "text_link"]

    def table_end(self, _: Any, start: int, __: int) -> None:
        if text := table(self._rows, self._alignments):
            self._verbatim_block(start, text)
        for name, address in dict.fromkeys(self._links):  # none can stand inside of the table
            self.page.pieces.append("\n")
            self.page.write(name)
            self.page.span(len(self.page.pieces) - 1, "text_link", address)
        self.page.end()


_NESTED = {"Start", "End"}
_HANDLERS: dict[str, Callable[[Render, Any, int, int], None]] = {
    **dict.fromkeys(["Text", "Html", "InlineHtml"], Render.text),
    "Code": Render.verbatim,
    **dict.fromkeys(["SoftBreak", "HardBreak"], Render.line),
    "Rule": Render.rule,
    "TaskListMarker": Render.task,
    **dict.fromkeys(["End Strong", "End Emphasis", "End Strikethrough"], Render.style_end),
    "Start Strong": Render.strong,
    "Start Emphasis": Render.emphasis,
    "Start Strikethrough": Render.strike,
    **dict.fromkeys(["Start Link", "Start Image"], Render.link),
    **dict.fromkeys(["End Link", "End Image"], Render.link_end),
    **dict.fromkeys(["Start Paragraph", "Start HtmlBlock"], Render.paragraph),
    "End Paragraph": Render.paragraph_end,
    "Start Heading": Render.heading,
    "End Heading": Render.heading_end,
    "Start CodeBlock": Render.code,
    "End CodeBlock": Render.code_end,
    "Start BlockQuote": Render.quote,
    "End BlockQuote": Render.quote_end,
    "Start List": Render.list_,
    "End List": Render.list_end,
    "Start Item": Render.item,
    "End Item": Render.item_end,
    "Start Table": Render.table,
    "End Table": Render.table_end,
    **dict.fromkeys(["Start TableHead", "Start TableRow"], Render.row),
    **dict.fromkeys(["End TableHead", "End TableRow"], Render.row_end),
    "Start TableCell": Render.cell,
    "End TableCell": Render.cell_end,
}
