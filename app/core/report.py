"""How endpoints, keys and limits are, as those see it who tell of it: words for people, figures for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.core.allowance import Limit

Charge = tuple[str, tuple[Limit, ...]]
"""A scope of the ledger (u<user>, c<chat>, b, k<key>) and its limits."""


class Line(Protocol):
    """One limit of a scope as the ledger has it; ``opened`` and ``resets`` are Unix seconds, 0 before the first use."""

    @property
    def scope(self) -> str: ...
    @property
    def limit(self) -> Limit: ...
    @property
    def used(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def opened(self) -> float: ...
    @property
    def resets(self) -> float: ...


class Ledger(Protocol):
    """Counts what is used. Raises StoreError."""

    async def usage(self, charges: Sequence[Charge]) -> Sequence[Line]: ...


class Key(Protocol):
    """A key and how it is; ``until`` Unix seconds, 0 now."""

    @property
    def shown(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def limits(self) -> tuple[Limit, ...]: ...
    @property
    def state(self) -> str: ...
    @property
    def until(self) -> float: ...
    @property
    def keyless(self) -> bool: ...


class Pool(Protocol):
    """An endpoint and how it is, likewise."""

    @property
    def host(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def until(self) -> float: ...
    @property
    def keys(self) -> Sequence[Key]: ...


class Models(Protocol):
    """What is asked, and how it is: the endpoints in their order, none for the offline model."""

    @property
    def ledger(self) -> Ledger: ...
    async def refresh(self) -> None: ...
    def report(self) -> Sequence[Pool]: ...
