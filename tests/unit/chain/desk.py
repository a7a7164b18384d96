"""People in chats, as the ingress stores them and a worker ends their turns, with sessions as they really are."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.core.claims import Claim
from app.core.outcome import End, Fail
from app.core.updates import Incoming
from app.lanes.lanes import Lanes
from app.sessions.session import Session, load
from tests.unit.fakes import incoming, update


@dataclass(slots=True)
class Desk:
    """What a test does in chats; update ids count up, message ids likewise."""

    lanes: Lanes
    policy: dict[str, Any] = field(default_factory=dict)
    ids: Iterable[int] = field(default_factory=lambda: itertools.count(101))
    told: list[tuple[str, str, str]] = field(default_factory=list)
    """Turns that were told to stop."""
    kicked: list[int] = field(default_factory=list)
    hinted: list[int] = field(default_factory=list)

    # What Forget asks of runner and hints

    @property
    def turns(self) -> "Desk":
        return self

    def deliver(self, lane: str, what: str, token: str) -> None:
        self.told.append((lane, what, token))

    def kick(self, shard: int, lanes: int = 1) -> None:
        self.kicked.append(shard)

    async def wake(self, shards: list[int]) -> None:
        self.hinted += shards

    async def signal(self, what: str, lane: str, token: str) -> None:
        """Another process would be told."""

    # What people and workers do

    async def write(self, text: str, chat: dict[str, Any], who: dict[str, Any], **given: Any) -> str:
        """A message on its way into its lane; the store's word on it."""
        number = next(iter(self.ids))
        fields = {"message_id": number, "chat": chat, "from_": who, **given}
        found = incoming(update(uid=number, text=text, **fields), **self.policy)
        return await self.store(found)

    async def store(self, found: Incoming) -> str:
        return (await self.lanes.store(self.lanes.shard_of(found.lane), [found])).statuses[0]

    async def claim(self, lane: str) -> Claim:
        """The claim on this lane, which waits."""
        urgent = lane[0] == "!"
        answer = await self.lanes.claim(self.lanes.shard_of(lane), int(not urgent), int(urgent), 0)
        (claim,) = answer.claims
        assert claim.lane == lane
        return claim

    async def answer(self, lane: str, text: str = "yes", by: int = 0) -> Session:
        """A whole turn of the lane's head, as the handlers would write it."""
        claim = await self.claim(lane)
        session = load(claim.session)
        if claim.inherit:
            session.precede(load(claim.inherit))
        entry = claim.entries[-1]
        session.add(entry.uids, entry.mid, f"q{entry.uids}", text, keep_turns=20, by=by)
        await self.lanes.complete(claim, End("answered", session=session.dump()))
        return session

    async def bury(self, lane: str) -> None:
        await self.lanes.fail(await self.claim(lane), Fail("Broken", final=True))

    async def everything(self) -> bytes:
        """All values of the store in one."""
        client: Any = self.lanes.pipe.client
        found = []
        async for key in client.scan_iter("*"):
            kind = (await client.type(key)).decode()
            ask = {"string": "GET", "list": "LRANGE", "hash": "HGETALL", "zset": "ZRANGE", "stream": "XRANGE"}[kind]
            ends = {"list": (0, -1), "zset": (0, -1), "stream": ("-", "+")}.get(kind, ())
            found.append(key + b" " + repr(await client.execute_command(ask, key, *ends)).encode())
        return b"\n".join(found)
