"""Who answers, as the settings say, and the limits of tokens into which no question to them ever fits."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.allowance import Limit
from app.core.settings import Settings
from app.core.tokens import floor
from app.model.persona import Cast, load


def cast_of(settings: Settings) -> Cast:
    """All who may answer; raises SettingsError."""
    return load(settings.persona, settings.personas, settings.personas_dir, settings.system_prompt)


def least(settings: Settings, cast: Cast) -> int:
    """What the shortest question to the default persona takes, with the shortest answer that is worth asking for."""
    persona, most = cast.default, settings.model_max_tokens
    front = [{"role": "system", "content": persona.system}, *persona.examples]
    return floor(front, min(persona.max_tokens or most, most))


def too_small(settings: Settings, cast: Cast) -> list[str]:
    """A line for each such limit of the settings."""
    needed = least(settings, cast)
    return [
        f"{who}: no question fits into {limit.words}, the shortest takes {needed:,} tokens"
        for who, limits in _limits(settings)
        for limit in limits
        if limit.unit == "t" and limit.amount < needed
    ]


def _limits(settings: Settings) -> Iterator[tuple[str, tuple[Limit, ...]]]:
    """Every limit, and where it is set."""
    for name in ("quota_user", "quota_chat", "quota_bot"):
        yield name.upper(), getattr(settings, name)
    for number, key in enumerate(settings.model_api_keys, 1):
        yield f"MODEL_API_KEYS: key {number}", key.limits
    for entry, fallback in enumerate(settings.model_fallbacks, 1):
        for number, key in enumerate(fallback.keys, 1):
            yield f"MODEL_FALLBACKS: entry {entry}: key {number}", key.limits
