"""The HTTP side of one call of the Bot API: its parameters in, an answer or a refusal out, or a broken connection."""

from typing import Any

import msgspec
from aiohttp import web

from simulator.records import Refusal


async def given(request: web.Request) -> dict[str, Any]:
    """The parameters of a call, from query and body; the body wins."""
    found: dict[str, Any] = dict(request.query)
    if request.method != "POST" or not request.body_exists:
        return found
    if request.content_type != "application/json":
        try:
            form = await request.post()
        except ValueError:
            raise Refusal("Bad Request: strings must be encoded in UTF-8") from None
        return found | {name: value for name, value in form.items() if isinstance(value, str)}
    try:
        body = msgspec.json.decode(await request.read() or b"{}")
    except msgspec.DecodeError:
        raise Refusal("Bad Request: can't parse JSON object") from None
    if not isinstance(body, dict):
        raise Refusal("Bad Request: can't parse JSON object")
    return found | body


async def cut(request: web.Request, torn: web.Response | None) -> web.StreamResponse:
    """Ends the connection, after half of an answer if there is one."""
    response = web.StreamResponse()
    if torn is not None and isinstance(torn.body, bytes):
        response.content_length = len(torn.body)
        response.content_type = "application/json"
        await response.prepare(request)
        await response.write(torn.body[: len(torn.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def good(result: bytes, words: str = "") -> web.Response:
    """What went well; `result` is JSON, `words` a description beside it."""
    described = b',"description":' + msgspec.json.encode(words) if words else b""
    return web.Response(body=b'{"ok":true,"result":' + result + described + b"}", content_type="application/json")


def refused(refusal: Refusal) -> web.Response:
    """What was refused, in Telegram's words."""
    body: dict[str, Any] = {"ok": False, "error_code": refusal.status, "description": refusal.description}
    headers = {}
    if refusal.retry_after:
        body["parameters"] = {"retry_after": refusal.retry_after}
        headers["Retry-After"] = str(refusal.retry_after)
    if refusal.moved:
        body["parameters"] = {"migrate_to_chat_id": refusal.moved}
    encoded = msgspec.json.encode(body)
    return web.Response(body=encoded, status=refusal.status, headers=headers, content_type="application/json")
