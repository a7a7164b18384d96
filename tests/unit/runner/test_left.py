"""A move that its process left alone: the claims of others report it, and the runner hands it on."""

from __future__ import annotations

from app.core.clock import Manual
from tests.support.wait import until
from tests.unit.runner.desk import Lanes
from tests.unit.runner.test_runner import answered, running


async def test_whoever_claims_hears_of_a_move_that_was_left_alone() -> None:
    lanes, seen = Lanes(Manual()), list[tuple[str, str]]()
    lanes.moves = {"-50": "-100"}
    async with running(lanes, answered) as runner:
        runner.on_move = lambda old, new: seen.append((old, new))
        runner.look()
        await until(lambda: bool(seen), what="the move")
        assert seen[0] == ("-50", "-100")
        assert not runner.turns.busy[""], "no turn is needed for it"
