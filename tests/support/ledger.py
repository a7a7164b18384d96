"""What people wrote, what the bot did with it, and the verdict. Each answer and each prompt is held against the chat.

Words: an *input* is one update that people caused; a *question* wants an answer of the model; a *lane* is a chat or one
topic of it. A question's text begins with `#<index> `; the model's answer with `#<index> call=<n> `, so that every text
on its way says what it belongs to.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

from tests.support.people import Input, Lane

now = time.monotonic
FILLER = "and so the river went on past the mill and the old bridge while people talked about the price of bread "
SAMPLES = 12
GOES_ON = " …"

FAULTS_OF_THE_BOT = (
    "shape",  # a request that Telegram or the model would not know in this form, or that the design forbids
    "targets",  # an answer to the wrong message, in the wrong chat or topic, or that does not carry what was asked
    "order",  # an answer after the answer to a later question of its lane
    "histories",  # a prompt whose history is not exactly the lane's earlier turns
    "overlaps",  # two model calls of one lane at the same time
    "penalties",  # a call to a chat while its 429 lasts
    "strangers",  # a prompt without a question of this world
)


@dataclass(slots=True)
class Sent:
    """One message of the bot."""

    at: float
    chat: int
    mid: int
    topic: int
    reply: int
    text: str
    index: int = -1
    call: int = 0
    grows: bool = False
    """It is the beginning of an answer, and says that more will come."""


@dataclass(slots=True)
class Ledger:
    """The records, and the checks that are made while they are written."""

    turns: int = 5
    """The bot's HISTORY_TURNS."""
    chars: int = 120
    spread: int = 0
    """Answers are longer by up to this many characters, each by its own number."""
    inputs: list[Input] = field(default_factory=list)
    lanes: dict[tuple[int, int], Lane] = field(default_factory=dict)
    known: dict[tuple[int, int], Input] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    suspects: list[tuple[Input, list[Input]]] = field(default_factory=list)
    """Questions whose prompt lacked turns, which is right only if those turns ended with an apology."""
    cut: set[int] = field(default_factory=set)
    """Calls of which the bot got only a part."""
    short: dict[int, int] = field(default_factory=dict)
    """Calls whose answer ended at its limit of tokens, and how many characters that are."""
    faults: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FAULTS_OF_THE_BOT, 0))
    samples: list[str] = field(default_factory=list)
    questions: int = 0
    answered: int = 0
    ended: int = 0
    doubles: int = 0
    loose: int = 0
    calls: int = 0

    def blame(self, kind: str, words: str) -> None:
        """Counts a fault of the bot; the first dozen are kept in words."""
        self.faults[kind] += 1
        if len(self.samples) < SAMPLES:
            self.samples.append(f"{kind}: {words}")

    def write(self, item: Input) -> None:
        """Something was written by a person (or broken by us)."""
        item.index = len(self.inputs)
        item.text = item.text.replace("#?", f"#{item.index}", 1)
        self.inputs.append(item)
        if item.mid:
            self.known[item.chat, item.mid] = item
        if item.kind == "question":
            self.questions += 1
            self.lane(item)

    def lane(self, item: Input) -> Lane:
        lane = self.lanes.get((item.chat, item.topic))
        if lane is None:
            lane = self.lanes[item.chat, item.topic] = Lane()
        return lane

    def answer(self, index: int, call: int) -> str:
        """What the model says to question `index` in its `call`th call of all."""
        size = max(self.chars, 24) + (31 * index + 97 * call) % (self.spread + 1)
        text = f"#{index} call={call} {FILLER * (1 + size // len(FILLER))}"
        return text[: min(size, self.short.get(call, size))].rstrip()

    # -- the bot sends -----------------------------------------------------------------------------

    def told(self, message: Sent) -> None:
        """The bot said something; is it what that place waits for?"""
        self.sent.append(message)
        target = self.known.get((message.chat, message.reply))
        if target is None:
            self.loose += 1
            return
        if message.topic != (target.topic if target.topic > 1 else 0):
            self.blame("targets", f"input {target.index} of topic {target.topic} was answered in topic {message.topic}")
        tag = tag_of(message.text)
        if target.kind != "question" or tag is None:
            target.said.append((message.at, message.text))
            if tag is not None:
                self.blame(
                    "targets", f"input {target.index} ({target.kind}) got an answer to {tag[0]}: {message.text[:50]!r}"
                )
            elif target.kind == "question" and len(target.said) == 1 and not target.replies:
                self.ended += 1
            return
        message.index, message.call = tag
        self._answers(target, message)

    def _answers(self, target: Input, message: Sent) -> None:
        if message.index != target.index or message.call not in target.calls:
            self.blame("targets", f"input {target.index} in chat {target.chat} got {message.text[:50]!r}")
            return
        self._look(message)
        target.replies.append((message.at, message.call))
        if len(target.replies) > 1:
            self.doubles += 1
            return
        self.answered += 1
        self.ended += not target.said
        lane = self.lane(target)
        lane.answered.append(target)
        if target.index < lane.top:
            self.blame("order", f"chat {target.chat}: {target.index} was answered after {lane.top}")
        lane.top = max(lane.top, target.index)

    def edited(self, message: Sent) -> None:
        """The bot changed a message; one that grew may hold another call's answer by now, after a crash."""
        target, tag = self.known.get((message.chat, message.reply)), tag_of(message.text)
        if target is None or message.index < 0:
            return
        if tag is None or tag[0] != message.index or tag[1] not in target.calls:
            self.blame("targets", f"the answer to {message.index} became {message.text[:50]!r}")
            return
        message.call = tag[1]
        target.replies = [(at, tag[1] if at == message.at else call) for at, call in target.replies]
        self._look(message)

    def _look(self, message: Sent) -> None:
        """Is it an answer, or the beginning of one that grows?"""
        answer = self.answer(message.index, message.call)
        message.grows = message.text.endswith(GOES_ON) and answer.startswith(message.text.removesuffix(GOES_ON))
        if not message.grows and not self._faithful(message):
            self.blame("targets", f"the answer to {message.index} was changed on its way: {message.text[:80]!r}")

    @property
    def growing(self) -> int:
        """Messages whose end is still to come."""
        return sum(message.grows for message in self.sent)

    def _faithful(self, message: Sent) -> bool:
        """Is it what the model said, whole; or, of an answer that was cut, what came and a last line that says so?"""
        answer = self.answer(message.index, message.call)
        if message.call not in self.cut:
            return message.text.startswith(answer)
        came, _, last = message.text.rpartition("\n")
        return answer.startswith(came.rstrip()) and any(words in last for words in ("cut off", "asked to stop"))

    # -- the bot asks the model --------------------------------------------------------------------

    def asked(self, messages: list[dict[str, Any]]) -> Input | None:
        """A prompt came; returns the question it ends with. Its call number is `calls[-1]` of that question."""
        self.calls += 1
        talk = list(messages)
        while talk and talk[0]["role"] == "system":
            talk.pop(0)
        item = self._question(talk)
        if item is None:
            self.blame("strangers", f"a prompt that ends with {str(messages[-1:])[:120]}")
            return None
        item.calls.append(self.calls)
        self._compare(item, talk[:-1])
        lane = self.lane(item)
        lane.running += 1
        if lane.running > 1:
            self.blame("overlaps", f"chat {item.chat}: {lane.running} model calls at once, the last for {item.index}")
        return item

    def fell_silent(self, item: Input) -> None:
        """The model call of this question is over, however it ended."""
        self.lane(item).running -= 1

    def _question(self, talk: list[dict[str, Any]]) -> Input | None:
        content = talk[-1]["content"] if talk and talk[-1]["role"] == "user" else None
        at = content.find("#") if isinstance(content, str) else -1
        if not isinstance(content, str) or at < 0:
            return None
        digits = content[at + 1 :].split(" ", 1)[0]
        index = int(digits) if digits.isdigit() else -1
        item = self.inputs[index] if 0 <= index < len(self.inputs) else None
        return item if item is not None and asks(item, content) else None

    def _compare(self, item: Input, talk: list[dict[str, Any]]) -> None:
        """Is the talk before a question exactly what the chat shows?

        A turn that was answered may be missing if the bot cannot know that it was (two doubtful sends) and says so.
        That may be said later, so such a turn is only noted here, and judged by the verdict.
        """
        lane = self.lane(item)
        earlier = [turn for turn in lane.answered if lane.floor <= turn.index < item.index]
        if self._same(self._latest(earlier), talk):
            return
        contents = [str(entry["content"]) for entry in talk]
        shown = [turn for turn in earlier if any(asks(turn, content) for content in contents[0::2])]
        since = shown[0].index if len(shown) == self.turns else -1
        missing = [turn for turn in earlier if turn not in shown and turn.index > since]
        if missing and self._same(shown, talk):
            self.suspects.append((item, missing))
        else:
            wanted = [turn.index for turn in self._latest(earlier)]
            seen = [content.split(" ", 1)[0] for content in contents]
            self.blame("histories", f"question {item.index}, chat {item.chat}: wanted turns {wanted}, has {seen}")

    def _latest(self, turns: list[Input]) -> list[Input]:
        return turns[max(0, len(turns) - self.turns) :]

    def _same(self, want: list[Input], talk: list[dict[str, Any]]) -> bool:
        if len(talk) != 2 * len(want):
            return False
        for turn, question, answer in zip(want, talk[0::2], talk[1::2], strict=True):
            if question["role"] != "user" or answer["role"] != "assistant" or not asks(turn, question["content"]):
                return False
            if not any(self._remembers(turn.index, call, answer["content"]) for _, call in turn.replies):
                return False
        return True

    def _remembers(self, index: int, call: int, content: object) -> bool:
        answer = self.answer(index, call)
        return content == answer or (call in self.cut and isinstance(content, str) and answer.startswith(content))

    # -- the verdict -------------------------------------------------------------------------------

    def verdict(self) -> dict[str, Any]:
        """Everything that went wrong, counted; all zero (but `loose`, `ended` …) is what the design promises."""
        proven = [(item, turn) for item, turns in self.suspects for turn in turns if not turn.said]
        samples = [
            f"question {item.index}, chat {item.chat}: turn {turn.index} is not remembered" for item, turn in proven
        ]
        open_ones = [
            item.index for item in self.inputs if item.kind == "question" and not item.replies and not item.said
        ]
        return {
            "questions": self.questions,
            "answered": self.answered,
            "unanswered": self.questions - self.ended,
            "which": open_ones[:10],
            "apologies": sum(1 for item in self.inputs if item.kind == "question" and item.said and not item.replies),
            "remarks": sum(1 for item in self.inputs if item.kind == "question" and item.said and item.replies),
            "doubles": self.doubles,
            "unfinished": self.growing,
            "loose": self.loose,
            "model_calls": self.calls,
            **self.faults,
            "histories": self.faults["histories"] + len(proven),
            "samples": self.samples + samples[:SAMPLES],
        }

    def latency(self, label: str, since: str = "handed") -> dict[str, float]:
        """Seconds from `handed` (or `added`) to the first reply, over the answered inputs with that label."""
        times = sorted(
            first_reply(item) - (item.handed if since == "handed" else item.added)
            for item in self.inputs
            if item.label == label and (item.replies or item.said)
        )
        if not times:
            return {"n": 0, "p50": math.nan, "p99": math.nan, "max": math.nan}
        return {"n": len(times), "p50": share(times, 0.5), "p99": share(times, 0.99), "max": times[-1]}


def first_reply(item: Input) -> float:
    return min([at for at, _ in item.replies] + [at for at, _ in item.said])


def share(times: list[float], part: float) -> float:
    return times[min(len(times) - 1, math.ceil(part * len(times)) - 1)]


def asks(item: Input, content: object) -> bool:
    """Is this content of a prompt exactly what the person wrote (in a group: after the person's first name)?"""
    if not isinstance(content, str):
        return False
    if item.chat > 0:
        return content == item.text
    return (
        content.endswith(item.text)
        and content.startswith(item.name)
        and len(content) <= len(item.text) + len(item.name) + 4
    )


def tag_of(text: str) -> tuple[int, int] | None:
    """`(index, call)` of a model's answer; None for words of the bot's own."""
    first, _, rest = text.partition(" ")
    second = rest.partition(" ")[0]
    if first[:1] != "#" or not first[1:].isdigit() or second[:5] != "call=" or not second[5:].isdigit():
        return None
    return int(first[1:]), int(second[5:])
