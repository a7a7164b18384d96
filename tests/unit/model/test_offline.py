"""The stand-in without network: honest, streams, counts, remembers."""

import pytest

from app.core.clock import Manual
from app.model.base import Message, Prompt, whole
from app.model.offline import NOTICE, Offline, answer


def talk(*lines: str) -> list[Message]:
    """User and assistant in turn."""
    return [{"role": "assistant" if number % 2 else "user", "content": line} for number, line in enumerate(lines)]


def test_it_says_what_it_is_once_per_conversation() -> None:
    assert answer(talk("hi")) == f"You said: hi\n\n{NOTICE}"
    assert answer(talk("hi", "x", "again")) == "You said: again"


@pytest.mark.parametrize(
    "said, reply",
    [
        ("count to 10", "1 2 3 4 5 6 7 8 9 10"),
        ("Please COUNT up to 3!", "1 2 3"),
        ("count to 0", "There is nothing to count."),
        ("how many messages do you remember?", "I remember 1 earlier message of this conversation."),
        ("", "You said nothing that I can read."),
    ],
)
def test_it_counts_and_remembers(said: str, reply: str) -> None:
    assert answer(talk("hi", "x", said)) == reply


@pytest.mark.parametrize(
    "said, reply",
    [
        ("really?\n\n> Lane wrote:\n> count to 3", "You said: really?"),
        ("count to 2\n\n> Bob wrote:\n> do you remember?\n> \n> count to 3", "1 2"),
        ("> count to 2", "1 2"),
        ("a\n\n> b\n\nc", "You said: a\n\n> b\n\nc"),
    ],
)
def test_it_answers_the_persons_own_words_and_not_what_they_quote(said: str, reply: str) -> None:
    assert answer(talk("hi", "x", said)) == reply


def test_a_count_without_end_ends() -> None:
    assert answer(talk("a", "b", "count to 999999")).endswith("500 … and so on to 999999.")


async def test_it_streams_word_by_word_and_reports_usage() -> None:
    model = Offline(Manual(), word_seconds=0)
    chunks = [chunk async for chunk in model.stream(Prompt(talk("a", "b", "two  words\n")))]
    assert [chunk.text for chunk in chunks] == ["You", " said:", " two", "  words", "\n", ""]
    text, finish, usage = await whole(model, Prompt(talk("a", "b", "two  words\n")))
    assert (text, finish) == ("You said: two  words\n", "stop")
    assert usage is not None
    assert usage.completion > 0 < usage.prompt


async def test_example_turns_of_a_persona_are_nothing_that_was_said() -> None:
    messages = [*talk("system", "why?", "so"), *talk("what do you remember?")]
    messages[0]["role"] = "system"
    messages[1]["role"], messages[2]["role"] = "user", "assistant"
    text, _, _ = await whole(Offline(Manual(), 0), Prompt(messages, examples=2))
    assert text.startswith("I remember 0 earlier messages of this conversation.")


async def test_it_says_that_it_was_asked_before_its_first_word() -> None:
    asked: list[str] = []
    prompt = Prompt([{"role": "user", "content": "hi"}], on_asked=lambda: asked.append("asked"))
    chunks = Offline(word_seconds=0).stream(prompt)
    assert asked == []
    await anext(chunks)
    assert asked == ["asked"]
    await chunks.aclose()
    assert asked == ["asked"]
