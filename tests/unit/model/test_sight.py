"""Pictures: how they stand in a request, what they cost, and a model that cannot see them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from app.core import keys
from app.core.clock import Manual
from app.core.connections import Connections
from app.core.errors import KeyRefused, ModelBlind, ModelBusy, ModelDown, ModelRefused, PromptTooLong
from app.core.http import Client
from app.core.tokens import PER_IMAGE, conversation
from app.model.base import Prompt, whole
from app.model.failover import Failover
from app.model.health import Health
from app.model.keypool import KeyPool
from app.model.openai import BLIND_SECONDS, Endpoint
from app.model.retries import Patience
from tests.support.clocked import Clocked
from tests.unit.model.provider import Books, keys_of

URLS = ("data:image/png;base64,AAAA", "data:image/jpeg;base64,BBBB")
TALK: Any = [{"role": "system", "content": "s"}, {"role": "user", "content": "what is it?"}]
SEEN = Prompt(TALK, images=URLS)
ANSWER = {"choices": [{"message": {"content": "a hat"}, "finish_reason": "stop"}]}


def says(words: str, status: int) -> httpx.Response:
    return httpx.Response(status, json={"error": {"message": words}})


@pytest.fixture
async def made() -> AsyncIterator[Callable[..., tuple[Endpoint, list[dict[str, Any]], Manual]]]:
    async with Connections(2) as connections:

        def make(*answers: httpx.Response) -> tuple[Endpoint, list[dict[str, Any]], Manual]:
            script, asked, clock = list(answers), list[dict[str, Any]](), Manual()

            def handler(request: httpx.Request) -> httpx.Response:
                asked.append(msgspec.json.decode(request.content))
                return script.pop(0) if script else httpx.Response(200, json=ANSWER)

            client = Client(connections, httpx.MockTransport(handler))
            endpoint = Endpoint(client, "http://m.test/v1", name="m", stream=False, patience_seconds=0, clock=clock)
            return endpoint, asked, clock

        yield make


async def test_pictures_stand_behind_the_words_of_the_last_message(made: Any) -> None:
    endpoint, asked, _ = made()
    assert (await whole(endpoint, SEEN))[0] == "a hat"
    assert asked[0]["messages"] == [
        TALK[0],
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what is it?"},
                *({"type": "image_url", "image_url": {"url": url}} for url in URLS),
            ],
        },
    ]


async def test_without_pictures_a_message_is_a_text(made: Any) -> None:
    endpoint, asked, _ = made()
    await whole(endpoint, Prompt(TALK))
    assert asked[0]["messages"] == TALK


def test_a_picture_costs_what_it_may() -> None:
    assert SEEN.tokens == conversation(TALK) + 2 * PER_IMAGE


@pytest.mark.parametrize(
    "words, status",
    [
        ("Invalid content type. image_url is only supported by certain models.", 400),
        ("image input is not supported - hint: if this is unexpected, you may need to provide the mmproj", 500),
        ('Failed to parse messages: Unsupported content part type: "image_url"', 500),
        ("No endpoints found that support image input", 404),
        ("this model does not support image input", 400),
        ("this model is missing data required for image input", 500),
        ("m is not a multimodal model", 400),
        ("At most 0 image(s) may be provided in one prompt.", 400),
        ("unknown variant `image_url`, expected `text`", 422),
        ("messages[1].content must be a string", 400),
    ],
)
async def test_that_a_model_cannot_see_is_learned_once_and_forgotten_after_an_hour(
    made: Any, words: str, status: int
) -> None:
    endpoint, asked, clock = made(says(words, status))
    for _ in range(2):
        with pytest.raises(ModelBlind):
            await whole(endpoint, SEEN)
    assert len(asked) == 1
    assert (await whole(endpoint, Prompt(TALK)))[0] == "a hat"
    await clock.advance(BLIND_SECONDS)
    assert (await whole(endpoint, SEEN))[0] == "a hat"


@pytest.mark.parametrize(
    "words, status",
    [
        ("You uploaded an unsupported image. Please use one of the following formats: png, jpeg, gif, webp.", 400),
        ("image exceeds 5 MB maximum", 400),
        ("At most 1 image(s) may be provided in one prompt.", 400),
        ("does not support image type tiff", 415),
        ("request entity too large", 413),
    ],
)
async def test_that_it_cannot_see_these_says_nothing_of_others(made: Any, words: str, status: int) -> None:
    endpoint, asked, _ = made(says(words, status))
    with pytest.raises(ModelBlind):
        await whole(endpoint, SEEN)
    assert (await whole(endpoint, SEEN))[0] == "a hat"
    assert len(asked) == 2


@pytest.mark.parametrize(
    "words, status, kind",
    [
        ("maximum context length is 4096 tokens", 400, PromptTooLong),
        ("The image was flagged by our content policy", 400, ModelRefused),
        ("invalid api key", 401, KeyRefused),
        ("slow down, image", 429, ModelBusy),
        ("the server is on fire", 500, ModelDown),
    ],
)
async def test_other_failures_are_what_they_were(made: Any, words: str, status: int, kind: type[Exception]) -> None:
    endpoint, _, _ = made(says(words, status))
    with pytest.raises(kind) as raised:
        await whole(endpoint, SEEN)
    assert type(raised.value) is kind


async def test_without_pictures_no_refusal_is_about_them(made: Any) -> None:
    endpoint, _, _ = made(says("this model does not support image input", 400))
    with pytest.raises(ModelRefused) as raised:
        await whole(endpoint, Prompt(TALK))
    assert not isinstance(raised.value, ModelBlind)
    assert (await whole(endpoint, SEEN))[0] == "a hat"


async def test_a_field_that_it_does_not_know_is_learned_before_eyes_are_doubted(made: Any) -> None:
    endpoint, asked, _ = made(says("Unsupported parameter: max_tokens", 400))
    assert (await whole(endpoint, SEEN))[0] == "a hat"
    assert "max_completion_tokens" in asked[1]


class Hosts:
    """Some endpoints behind a failover; each answers by its status and words, or with its name."""

    def __init__(
        self, connections: Connections, redis: Redis, clock: Manual, **answers: tuple[int, str] | None
    ) -> None:
        self.answers, self.asked = answers, list[str]()
        self.health = Health(Clocked(redis, clock), keys.health(1), clock)
        client = Client(connections, httpx.MockTransport(self.answer))
        self.pools = [
            KeyPool(
                Endpoint(client, f"http://{name}.test/v1", name="m", stream=False, clock=clock),
                keys_of("sk-of-this-test"), self.health, Books(), clock,
                patience=Patience(0.0),
            )
            for name in answers
        ]  # fmt: skip
        self.model = Failover(self.pools, self.health, clock)

    def answer(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host.removesuffix(".test")
        pictured = b"image_url" in request.content
        self.asked.append(name + " with pictures" * pictured)
        refusal = self.answers[name]
        if refusal is not None and (pictured or refusal[0] == 503):
            return says(refusal[1], refusal[0])
        return httpx.Response(200, json={"choices": [{"message": {"content": name}, "finish_reason": "stop"}]})


NO_EYES = (404, "No endpoints found that support image input")


@pytest.fixture
async def hosts(redis: Redis) -> AsyncIterator[Callable[..., Hosts]]:
    async with Connections(2) as connections:
        yield lambda **answers: Hosts(connections, redis, Manual(), **answers)


async def test_where_the_first_cannot_see_another_that_can_is_asked(hosts: Callable[..., Hosts]) -> None:
    made = hosts(first=NO_EYES, second=None)
    assert (await whole(made.model, SEEN))[0] == "second"
    assert [made.health.get(f"e{pool.endpoint.label}").count for pool in made.pools] == [0, 0], "nobody is ill"
    assert (await whole(made.model, SEEN))[0] == "second"
    assert made.asked == ["first with pictures", *["second with pictures"] * 2]
    assert (await whole(made.model, Prompt(TALK)))[0] == "first"


@pytest.mark.parametrize("second", [NO_EYES, (503, "down")])
async def test_where_nobody_can_see_that_is_what_is_said(hosts: Callable[..., Hosts], second: tuple[int, str]) -> None:
    made = hosts(first=NO_EYES, second=second)
    with pytest.raises(ModelBlind):
        await whole(made.model, SEEN)
    assert (await whole(made.model, Prompt(TALK)))[0] == "first"
