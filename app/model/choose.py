"""Which model the settings ask for."""

from __future__ import annotations

from app.core.clock import Clock
from app.core.connections import Connections
from app.core.exchange import Clocks
from app.core.http import Client
from app.core.settings import Settings
from app.model.offline import Offline
from app.model.openai import Endpoint


def choose(settings: Settings, connections: Connections, clock: Clock) -> Endpoint | Offline:
    """The endpoint of MODEL_BASE_URL, or the offline stand-in."""
    if not settings.model_base_url:
        return Offline(clock)
    keys = settings.model_api_keys
    return Endpoint(
        Client(connections),
        settings.model_base_url,
        key=keys[0].secret.get_secret_value() if keys else "",
        name=settings.model_name or "",
        max_tokens=settings.model_max_tokens,
        stream=settings.stream != "off",
        clocks=Clocks(
            first=settings.model_first_seconds,
            between=settings.model_gap_seconds,
            total=settings.model_total_seconds,
        ),
        clock=clock,
    )
