"""The estimate of tokens: rather too many than too few."""

import pytest

from app.core.tokens import LEAST_ANSWER, MOST_PER_CHARACTER, conversation, floor, tokens


def test_tokens_are_bytes_by_two_point_eight_rounded_up() -> None:
    assert [tokens(text) for text in ("", "a", "x" * 28, "ß" * 14)] == [0, 1, 10, 10]


def test_emoji_are_three_tokens_each() -> None:
    assert [tokens(text) for text in ("🎈", "🎈" * 10, "x" * 28 + "🎈")] == [3, 30, 13]


@pytest.mark.parametrize("text", ["a", "ß", "字", "🎈", "\ud800", "e\u0301"])
def test_no_character_counts_more_than_the_most(text: str) -> None:
    assert tokens(text * 100) <= MOST_PER_CHARACTER * len(text * 100)


def test_each_message_of_a_conversation_has_its_frame() -> None:
    assert conversation([]) == 0
    assert conversation([{"role": "system", "content": ""}, {"role": "user", "content": "x" * 28}]) == 4 + 14


@pytest.mark.parametrize("most, answer", [(1024, LEAST_ANSWER), (20, 20)])
def test_the_shortest_question_needs_what_stands_before_it_and_the_least_answer(most: int, answer: int) -> None:
    front = [{"role": "system", "content": "x" * 28}, {"role": "user", "content": "hm?"}]
    assert floor(front, most) == conversation([*front, {"role": "user", "content": "?"}]) + answer
