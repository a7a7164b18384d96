"""What one HTTP request is made of, for both of our clients: its clocks, its target, and how it may fail.

    Failure
    ├─ Unreached    nothing was written: DNS, connect, TLS, proxy
    ├─ Late         a clock ran out; the request may have been read
    └─ Lost         the connection ended before the whole answer was here; likewise

No failure holds a URL (Telegram's contains the token) or a cause that would print it.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import encode_basic_auth
from yarl import URL

from app.core.errors import Error, SettingsError

Gate = Callable[[], Awaitable[None] | None]
"""Asked when a connection is there and the request is about to be written; it raises to keep the request back, and may
answer something to wait for first."""


class Failure(Error):
    """An HTTP request without a whole answer."""


class Unreached(Failure):
    """Nothing was written, so nothing was done."""


class Late(Failure):
    """A clock ran out; what was asked may have been done."""


class Lost(Failure):
    """The connection ended before the whole answer was here; what was asked may have been done."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """How long one request may take, in seconds: to connect, to the first byte, between two packets, in all.

    All are kept to about 0.25 s on direct connections. Through a proxy ``total`` is looked at with each packet of the
    body, so it may be overrun by one ``between``.
    """

    connect: float = 5.0
    first: float = 20.0
    between: float = 20.0
    total: float = 60.0


@dataclass(frozen=True, slots=True, repr=False)
class Target:
    """A URL made ready once: parsed, with the proxy that the environment names for it."""

    url: URL
    proxy: str | None = None
    proxy_headers: dict[str, str] | None = None
    origin: tuple[str, str, int] = field(init=False)
    """Scheme, host and port: what connections are kept by."""
    head: bytes = field(init=False)
    """The request line after the method, and the Host header."""

    def __post_init__(self) -> None:
        url = self.url
        object.__setattr__(self, "origin", (url.scheme, url.raw_host or "", url.port or 0))
        host = url.host_port_subcomponent or ""
        object.__setattr__(self, "head", f" {url.raw_path_qs} HTTP/1.1\r\nHost: {host}\r\n".encode("ascii"))

    def __repr__(self) -> str:
        return f"<Target {self.url.host}>"


def resolve(url: str) -> Target:
    """Parse a URL and find its proxy in HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY; never one for this host."""
    target = URL(url)
    host = target.host
    if target.scheme not in ("http", "https") or not host:
        raise SettingsError([f"not an http address: {target.scheme or 'no scheme'}://{host or 'no host'}"])
    proxies = urllib.request.getproxies()
    proxy = proxies.get(target.scheme) or proxies.get("all")
    if not proxy or host in {"localhost", "::1"} or host.startswith("127.") or urllib.request.proxy_bypass(host):
        return Target(target)
    via = URL(proxy if "://" in proxy else f"http://{proxy}")
    if via.scheme not in ("http", "https"):
        raise SettingsError([f"a proxy of kind {via.scheme} is not supported, only http and https (for {host})"])
    login = {"Proxy-Authorization": encode_basic_auth(via.user, via.password or "")} if via.user else None
    return Target(target, str(via.with_user(None)), login)
