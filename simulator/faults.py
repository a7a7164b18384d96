"""Trouble on request: what goes wrong with the next calls of a bot, and how often.

`POST /faults` takes one fault or a list as JSON, `GET` shows what is still to come, `DELETE` ends it all:
    {"kind": "flood", "method": "sendMessage", "retry_after": 3, "times": 2}

kind     what the bot sees                                              effect on the world
flood    429 with retry_after                                           none
error    an answer of the Bot API with `status` (500)                   none
gateway  an HTML page with `status` (502), as from a proxy              with `after`: done all the same
cut      the connection ends without an answer                          with `after`: done all the same
torn     half of the answer, then the connection ends                   done
garbage  200 with what is no JSON                                       done
slow     the right answer, `seconds` late                               done, before the wait if `after`
"""

import msgspec

KINDS = ("flood", "error", "gateway", "cut", "torn", "garbage", "slow")


class Fault(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One kind of trouble for the next `times` calls of `method`, in `chat_id` only unless that is 0.

    `method` is a Bot API method, "file" for the download of a file, or "*" for any.
    """

    kind: str
    method: str = "*"
    times: int = 1
    after: bool = False
    retry_after: int = 3
    status: int = 0
    seconds: float = 1.0
    chat_id: int = 0

    def __post_init__(self) -> None:
        """Refuses what could not happen."""
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        if self.times < 1 or self.retry_after < 1 or not 0 <= self.seconds <= 600:
            raise ValueError("times and retry_after begin at 1, seconds lie between 0 and 600")
        self.status = self.status or {"error": 500, "gateway": 502}.get(self.kind, 0)


class Faults:
    """What is still to go wrong; the first that fits a call is used up by it."""

    def __init__(self) -> None:
        self.coming: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Asks for trouble."""
        self.coming += faults

    def clear(self) -> None:
        """Ends all trouble."""
        self.coming.clear()

    def take(self, method: str, chat: int) -> Fault | None:
        """The fault of this call, if any; `method` as it came, in any case."""
        for fault in self.coming:
            if fault.method.lower() in {"*", method.lower()} and fault.chat_id in {0, chat}:
                fault.times -= 1
                if not fault.times:
                    self.coming.remove(fault)
                return fault
        return None
