"""The lanes in Redis: how updates wait, run and end. docs/lanes.md says what they keep, `scripts/` are the code.

*Lane*: the FIFO of a conversation's waiting updates; it exists only while something waits or runs in it. *Claim*: one
worker's right to a lane, a lease (renewed) and a token (fenced). *Turn*: what a claim does with the lane's first entry.
The invariant: a lane's list is non-empty iff the lane stands in exactly one of ready, leases, later, held; and its turn
record holds a token iff it stands in leases. A session is read only from `claim` and written only by `complete`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from app.core import keys
from app.core.claims import Claim
from app.core.clock import Clock
from app.core.outcome import End, Fail
from app.core.redis import translate
from app.core.script import script
from app.core.updates import Incoming
from app.lanes.answers import Claimed, Marked, Stored, claimed, flat
from app.lanes.pipe import Pipe
from app.lanes.shards import shard_of

HERE = Path(__file__).with_name("scripts")
MERGE_MOST = 10  # updates in one turn: an album has no more parts


@dataclass(slots=True, eq=False)
class Lanes:
    """Every call of the protocol; each is answered, however long Redis is away, or raises a StoreError."""

    pipe: Pipe
    clock: Clock
    bot: int
    shards: int
    worker: str
    lease_seconds: float = 15.0
    attempts: int = 3
    session_seconds: int = 30 * 86400
    group_mode: str = "mention"
    merge_most: int = MERGE_MOST
    _numbers: dict[int, int] = field(default_factory=dict)
    _operations: itertools.count[int] = field(default_factory=itertools.count)

    def shard_of(self, lane: str) -> int:
        """The shard that a lane lives in."""
        return shard_of(lane, self.shards)

    def operation(self) -> str:
        """A fresh operation id: one intended send."""
        return f"{self.worker}{next(self._operations):x}"

    async def store(self, shard: int, updates: Sequence[Incoming]) -> Stored:
        """Append a batch of one shard, each update once. StoreFull: nothing was stored."""
        args: list[Any] = [self.group_mode, self.session_seconds]
        for u in updates:
            args += (u.uid, u.lane, u.limit, u.at_ms, u.by_ms, u.mid, u.group, u.kind, u.raw)
        ready, *statuses = await self.ask("store", shard, args)
        return Stored(ready, [s.decode() for s in statuses])

    async def claim(self, shard: int, want: int, urgent: int, notices: int) -> Claimed:
        """Sweep the shard and take up to ``want`` lanes; one call per shard at a time (the number counts answers)."""
        number = self._numbers.get(shard, 0) + 1
        until = self.clock.monotonic() + self.lease_seconds
        args = (self.worker, number, want, urgent, notices, self._lease_ms, self.attempts, self.merge_most)
        answer = await self.ask("claim", shard, args)
        if want or urgent or notices:
            self._numbers[shard] = number
        return claimed(shard, answer, until)

    async def renew(self, shard: int, claims: Iterable[Claim]) -> tuple[set[str], dict[str, str]]:
        """Lengthen leases; the tokens refused, and the shard's signals."""
        args: list[Any] = [self._lease_ms]
        for claim in claims:
            args += (claim.lane, claim.token)
        refused, signals = await self.ask("renew", shard, args, front=True)
        return {token.decode() for token in refused}, flat(signals)

    async def mark(
        self,
        claim: Claim,
        part: int,
        op: str,
        answer: str,
        gap_ms: float,
        burst: int,
        *,
        first: bool,
        way: str = "",
        apart_ms: float = 0.0,
    ) -> Marked:
        """Ask for one send; part 0 is what may be left out (typing, edits of an answer that grows).

        ``way``: "grow" sends an answer's beginning, if there is room beside answers, "more" shows more of it, "edit"
        finishes such a message. ``apart_ms``: since the last that people read.
        """
        pace = (f"{gap_ms:.0f}", burst, "1" if first else "", way, f"{apart_ms:.0f}")
        args = (claim.lane, claim.token, part, op, answer, *pace)
        kind, value, stop = await self.ask("mark", claim.shard, args, front=True)
        return Marked(kind.decode(), int(value), bool(stop))

    def sent(self, claim: Claim, part: int, message_id: int, done: str = "") -> asyncio.Future[Any]:
        """Journal a part's message id; it leaves before whatever is asked next, so it need not be awaited.

        ``done``: what to note, if anything, of the parts that are finished.
        """
        args = (claim.lane, claim.token, part, message_id, done)
        return self.pipe.call(script(HERE, "sent"), keys.ready(self.bot, claim.shard), args, front=True)

    async def complete(self, claim: Claim, end: End, raw_notice: str = "") -> tuple[bool, int]:
        """End the turn; (done or refused, entries left in the lane)."""
        args: list[Any] = [claim.lane, claim.token, len(claim.entries), end.kind, end.session, self.session_seconds]
        args += ("1" if claim.inherit and end.session else "", "1" if end.keep_bad else "", raw_notice, 0)
        for pair in end.fields:
            args += pair
        done, left = await self.ask("complete", claim.shard, args, front=True)
        return done == b"ok", left

    async def tell(self, claim: Claim, mark: str, seconds: int, raw_notice: str) -> str:
        """A notice in the middle of a turn, once for its mark in so many seconds: told, known or refused."""
        args = (claim.lane, claim.token, mark, max(1, seconds), raw_notice)
        return str((await self.ask("tell", claim.shard, args, front=True)).decode())

    async def release(self, claim: Claim, delay_ms: int = 0, op: str = "") -> str:
        """Give the claim back, the attempt not counted: ok, uncounted or refused."""
        return str(
            (await self.ask("release", claim.shard, (claim.lane, claim.token, delay_ms, op), front=True)).decode()
        )

    async def fail(self, claim: Claim, outcome: Fail) -> str:
        """The turn failed: later, dead or refused."""
        reason = outcome.reason.replace("|", "/").replace("\n", " ")[:200]
        final = "1" if outcome.final else ""
        args = (claim.lane, claim.token, outcome.delay_ms, reason, outcome.op, final, self.attempts)
        return str((await self.ask("fail", claim.shard, args, front=True)).decode())

    async def hold(self, shard: int, scope: str, *, on: bool, ver: str, record: Sequence[Any]) -> bool:
        """Begin or end a pause in one shard; False when something newer stands, so that it is not in force.

        ``record``: until ms (0: open), policy, hold ms, author, reason.
        """
        answer = await self.ask("hold", shard, (scope, "1" if on else "", ver, *record), front=True)
        return answer in (b"ok", b"same")

    async def paused(self, lane: str) -> bool:
        """Whether a pause of the bot, the chat or the topic covers a lane now. Only for what is said to people."""
        place, _, suffix = lane.partition(":")
        topic = suffix.split(",")[0]
        prefix = keys.shard_prefix(self.bot, self.shard_of(lane))
        try:
            found = await self.pipe.client.hmget(f"{prefix}pause", ["*", place, f"{place}:{topic}"])
        except (RedisError, OSError) as error:
            raise translate(error) from error
        return any(value is not None for value in found)

    async def pauses(self, shard: int) -> set[str]:
        """The scopes of all pauses that hold in a shard now. Only for what is said to people."""
        try:
            found: Any = await self.pipe.client.hkeys(f"{keys.shard_prefix(self.bot, shard)}pause")
        except (RedisError, OSError) as error:
            raise translate(error) from error
        return {scope.decode() for scope in found if not scope.startswith(b">")}  # a move tells nobody

    async def signal(self, lane: str, uid: str, mid: int, at_ms: int) -> tuple[str, str]:
        """/stop: (ok, head, idle or dup; the token that was hit)."""
        what, token = await self.ask("signal", self.shard_of(lane), (lane, uid, mid, at_ms), front=True)
        return what.decode(), token.decode()

    async def cool(self, chat: int | str, ms: int) -> None:
        """Nothing is sent to the chat before these milliseconds are over."""
        await self.ask("cool", self.shard_of(str(chat)), (chat, ms), front=True)

    async def glance(self, lane: str, waited_ms: int, most: int, gap_ms: float, burst: int) -> int:
        """A message that waits behind the lane's turn and may be marked as seen now; each once, 0 for none."""
        return int(await self.ask("glance", self.shard_of(lane), (lane, waited_ms, most, f"{gap_ms:.0f}", burst)))

    async def permit(self, wanted: int, gap_ms: float, burst: int, penalty_ms: int = 0) -> tuple[int, int]:
        """Ask the bot-wide budget: (granted, milliseconds to wait when none)."""
        args = (wanted, f"{gap_ms:.3f}", burst, penalty_ms)
        granted, wait = await self.pipe.call(script(HERE, "permit"), keys.budget(self.bot), args, front=True)
        return granted, wait

    async def lease(self, owner: str, seconds: float) -> bool:
        """Take or renew the right to poll; 0 seconds give it up."""
        return bool(await self.pipe.call(script(HERE, "lease"), keys.poller(self.bot), (owner, round(seconds * 1000))))

    async def abandon(self) -> None:
        """End every lease now, the poller's too: only for a store whose one process is known to be dead."""
        await asyncio.gather(*(self.ask("abandon", shard, ()) for shard in range(self.shards)))
        await self.pipe.client.delete(keys.poller(self.bot))

    async def presence(self, seconds: int) -> int:
        """Beat, or with 0 say farewell; how many processes live."""
        return int(await self.pipe.call(script(HERE, "presence"), keys.processes(self.bot), (self.worker, seconds)))

    async def setup(self, birth: str) -> tuple[int, int, str]:
        """SHARDS, format and birth id as they stand in the store; written if they are missing."""
        answer = await self.pipe.call(script(HERE, "setup"), keys.setup(self.bot), (self.shards, keys.FORMAT, birth))
        return int(answer[0]), int(answer[1]), answer[2].decode()

    @property
    def _lease_ms(self) -> int:
        return round(self.lease_seconds * 1000)

    def ask(self, name: str, shard: int, args: Iterable[Any], *, front: bool = False) -> asyncio.Future[Any]:
        """The answer of a script of ours in a shard."""
        return self.pipe.call(script(HERE, name), keys.ready(self.bot, shard), tuple(args), front=front)
