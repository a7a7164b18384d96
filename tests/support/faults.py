"""What goes wrong on request: faults, each for one method, a number of times, perhaps for one chat or text only."""

from __future__ import annotations

import msgspec

from tests.support.wire import Exchange

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """One kind of failure.

    `method` is a Bot API method in lower case, or `model`. Kinds: `status` (the API's own error object), `page` (a
    gateway's), `flood` (429 with `retry_after`), `cut` (no answer), `half` (half an answer), `broken` (not JSON),
    `wrong` (JSON of another shape: `description`), `empty` (200 and no body), `hang` (silence), and for the model
    `error` (an error object inside a good answer), `stop` (a stream that ends early, but cleanly). With `done` the
    request is carried out first, only its answer goes wrong. `at`: where a stream's `cut` or `stop` is, in bytes of its
    content, from its end if negative; else in its middle.
    """

    method: str
    kind: str
    times: int = 1
    chat: int = 0
    text: str = ""
    status: int = 500
    retry_after: float = 1
    description: str = ""
    done: bool = False
    at: int | None = None


class Faults:
    """The faults that are still due."""

    def __init__(self) -> None:
        self.due: list[Fault] = []
        self.seen: dict[str, int] = {}

    def add(self, fault: Fault) -> None:
        self.due.append(fault)

    def clear(self) -> None:
        self.due.clear()

    def take(self, method: str, chat: int = 0, text: str = "") -> Fault | None:
        """The fault that this request meets, if any; it is used up by that."""
        for fault in self.due:
            if fault.method == method and fault.chat in (0, chat) and fault.text in text:
                fault.times -= 1
                if fault.times <= 0:
                    self.due.remove(fault)
                self.seen[method] = self.seen.get(method, 0) + 1
                return fault
        return None


def refusal(status: int, description: str, retry_after: float = 0) -> bytes:
    """The Bot API's error object."""
    answer: dict[str, object] = {"ok": False, "error_code": status, "description": description}
    if retry_after:
        answer["parameters"] = {"retry_after": int(retry_after)}
    return msgspec.json.encode(answer)


def flood(exchange: Exchange, retry_after: float) -> None:
    """Answers 429 in Telegram's words."""
    exchange.reply(refusal(429, f"Too Many Requests: retry after {int(retry_after)}", retry_after), 429)


def fail(exchange: Exchange, fault: Fault, good: bytes = b'{"ok":true,"result":[]}') -> None:
    """Lets a request end as the fault says; `good` is what the answer would have been."""
    if fault.kind == "status":
        exchange.reply(refusal(fault.status, fault.description or "Internal Server Error"), fault.status)
    elif fault.kind == "flood":
        flood(exchange, fault.retry_after)
    elif fault.kind == "page":
        exchange.reply(PAGE, fault.status if fault.status != 500 else 502, b"text/html")
    elif fault.kind == "cut":
        exchange.cut()
    elif fault.kind == "half":
        exchange.half(good + b" " * 64)
    elif fault.kind == "broken":
        exchange.reply(good[:-1] + b",,")
    elif fault.kind == "wrong":
        exchange.reply(fault.description.encode() or b'{"ok":true,"result":{"update_id":"seven"}}')
    elif fault.kind == "empty":
        exchange.reply(b"")
    elif fault.kind != "hang":
        raise ValueError(f"no such fault: {fault.kind}")
