"""Which addresses Telegram takes for a link, and how it writes them down: TDLib's parse_url and check_link."""

import re

OTHER = re.compile(r"(tg|ton|tonsite):(?://)?", re.IGNORECASE)
AUTHORITY = re.compile(r"[^/?#]*")
PART = re.compile(r"(?:[A-Za-z0-9.\-_!$,~*'();&+=]|[^\x00-\x7f]|%[0-9A-Fa-f]{2})*")
LONGEST_PORT = 65535


def checked(url: str) -> str:
    """The address as the message will have it; a ValueError with Telegram's words for what is none."""
    other = OTHER.match(url)
    if other is not None:
        return f"{other[1].lower()}://{url[other.end() :]}"
    scheme, rest = "http", url
    if re.match(r"[^:/?#@\[\]]*://", url):
        scheme, _, rest = url.partition("://")
        scheme = scheme.lower()
        if scheme not in {"http", "https"}:
            raise ValueError("Unsupported URL protocol")
    authority = AUTHORITY.match(rest)
    place = authority[0] if authority is not None else ""
    host, port = _host(place)
    userinfo = place.rpartition("@")[0]
    if "." not in host and not host.startswith("["):
        raise ValueError("Wrong HTTP URL")
    query = re.sub(r"[\x00-\x20]", lambda found: f"%{ord(found[0]):02X}", rest[len(place) :].rstrip())
    slash = "" if query.startswith("/") else "/"
    return f"{scheme}://{userinfo + '@' if userinfo else ''}{host}{f':{port}' if port else ''}{slash}{query}"


def _host(place: str) -> tuple[str, int]:
    """Host and port (0: none) of what stands before the path."""
    host, port = place.rpartition("@")[2], 0
    ported = re.fullmatch(r"(.+):([^:\]]*)", host)
    if ported is not None:
        if not re.fullmatch(r"\d{1,9}", ported[2]) or not 0 < int(ported[2]) <= LONGEST_PORT:
            raise ValueError("Wrong port number specified in the URL")
        host, port = ported[1], int(ported[2])
    if not host:
        raise ValueError("URL host is empty")
    if host == ".":
        raise ValueError("Host is invalid")
    if not host.startswith("[") and not PART.fullmatch(host):
        wrong = "Wrong percent-encoded symbol" if "%" in host else "Disallowed character"
        raise ValueError(f"{wrong} in URL host")
    return host.lower(), port
