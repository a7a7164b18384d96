"""An answer that the decoder refuses: an update that nobody can read hurts only itself."""

from __future__ import annotations

import msgspec
import pytest

from app.core.errors import Unparsable
from app.ingress.batch import read
from tests.unit.fakes import update
from tests.unit.ingress.desk import Ingress, batch, raw

DEPTH = 3000
DEEP = b'{"update_id":11,"message":' + b'{"a":[' * DEPTH + b"]}" * DEPTH + b"}"
LONE = update(uid=11, text="x # y").replace(b"#", b"\\ud83d")
GOOD = [update(uid=10), update(uid=12)]
BAD = {
    "half a surrogate pair": LONE,
    "nested too deep": DEEP,
    "nested too deep to be real": b'{"update_id":11,"message":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "its id is behind": b'{"something":{"update_id":99,"a":%b},"update_id":11}' % (b"[" * DEPTH + b"]" * DEPTH),
    "a control character": b'{"update_id":11,"message":{"text":"\x01"}}',
    "no value": b'{"update_id":11,"message":}',
    "not a number": b'{"update_id":11,"message":NaN}',
    "not utf-8": b'{"update_id":11,"message":{"text":"\xff"}}',
}


@pytest.mark.parametrize("bad", BAD)
async def test_an_update_that_cannot_be_read_is_stored_alone_and_its_neighbours_as_ever(bad: str) -> None:
    ingress = Ingress(batch(GOOD[0], BAD[bad], GOOD[1]))
    async with ingress.running() as task:
        assert not task.done()
        assert ingress.lanes.uids == [10, 11, 12]
        assert ingress.telegram.offsets == [0, 13]


@pytest.mark.parametrize("bad", [b"[" * DEPTH + b"]" * DEPTH, b'{"a":"\\ud83d"}', b'"\x01"', b"?"])
async def test_one_without_an_id_is_counted_and_costs_its_neighbours_nothing(bad: bytes) -> None:
    ingress = Ingress(batch(GOOD[0], bad, GOOD[1]), batch(bad), batch(bad, update(uid=13)))
    async with ingress.running() as task:
        await ingress.age(10)
        assert not task.done()
        assert ingress.telegram.offsets == [0, 13, 13, 14]
    assert ingress.lanes.uids == [10, 12, 13]
    assert ingress.watch.bad == 3


def test_half_a_surrogate_pair_is_replaced_and_nothing_else_changes() -> None:
    odd = b' { "update_id" : 5, "new":[1e999,"\\u0041\\/"] }'
    assert read(batch(GOOD[0], LONE, odd)) == [GOOD[0], LONE.replace(b"\\ud83d", b"\\ufffd"), odd.strip()]
    assert msgspec.json.decode(read(batch(LONE))[0])["message"]["text"] == "x \ufffd y"


@pytest.mark.parametrize("space", [b"", b" ", b"\n\t"])
def test_an_answer_is_found_in_any_order_and_with_any_space(space: bytes) -> None:
    body = b'{#"result"#:#[#%b#,#%b#]#,#"ok"#:#true#,"description":"result"}#'.replace(b"#", space)
    assert read(body % (DEEP, GOOD[0])) == [DEEP, GOOD[0]]


@pytest.mark.parametrize(
    "body",
    [
        b'{"ok":true,"result":[%b' % DEEP,
        b'{"ok":true,"result":[%b]' % DEEP,
        b'{"ok":true,"result":[%b]},,' % DEEP,
        b'{"ok":true,"result":[%b},{]}' % DEEP,
        b'{"ok":false,"result":[%b]}' % DEEP,
        b'{"ok":"true","result":[%b]}' % DEEP,
        b'{"result":[%b]}' % DEEP,
        b'{"ok":true,"result":%b}' % DEEP,
        b"[%b]" % DEEP,
        DEEP,
        b'"\\ud83d"',
    ],
)
def test_what_is_not_whole_or_not_a_list_is_refused(body: bytes) -> None:
    with pytest.raises(Unparsable):
        read(body)


async def test_what_was_cut_off_is_not_confirmed() -> None:
    whole = batch(GOOD[0], DEEP, GOOD[1])
    ingress = Ingress(whole[:-3], whole)
    async with ingress.running():
        assert ingress.lanes.uids == []
        await ingress.age(3)
        assert ingress.telegram.offsets == [0, 0, 13]
    assert raw(update_id=1) == b'{"update_id":1}'
