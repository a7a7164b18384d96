"""What a verdict must say: all that went wrong is nothing, but for what a test allows by name."""

from __future__ import annotations

from typing import Any

from tests.support.ledger import FAULTS_OF_THE_BOT

MUST_BE_ZERO = ("unanswered", "apologies", "remarks", "doubles", "unfinished", *FAULTS_OF_THE_BOT)


def stains(verdict: dict[str, Any], **allowed: int) -> dict[str, Any]:
    """The figures that are not as promised: each must be 0, or at most what is allowed."""
    return {name: verdict[name] for name in MUST_BE_ZERO if verdict[name] > allowed.get(name, 0)}


def clean(verdict: dict[str, Any], **allowed: int) -> None:
    """Asserts that there are no stains; says what was seen, if there are."""
    found = stains(verdict, **allowed)
    assert not found, f"{found}; unanswered e.g. {verdict['which']}; " + "; ".join(verdict["samples"])
