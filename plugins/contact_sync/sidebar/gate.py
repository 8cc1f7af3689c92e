"""In front of all routes: nobody passes without a token, no body grows without end, each request is one log line.

Closed by default: what needs no token is listed here. The log names the route's template, never the address, for
addresses hold ids.
"""

from __future__ import annotations

import logging
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contact_sync.sidebar import problems, tokens

log = logging.getLogger(__name__)

#: Webhooks prove themselves by their signature.
_OPEN_PATHS = ("/health",)
_OPEN_PREFIXES = ("/api/v1/webhooks/",)
LARGEST_BODY = 1_000_000


class Gate:
    """ASGI middleware; who calls is left in ``request.state.bearer``."""

    def __init__(self, app: ASGIApp, *, key: bytes) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        status = 500

        async def heard(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._let_in(scope, receive, heard)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            milliseconds = (time.monotonic() - began) * 1000
            log.info("%s %s %d %.0f ms", scope["method"], route, status, milliseconds)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        bearer = _bearer(self._key, headers)
        if bearer is None and not _is_open(scope["path"]):
            given = ', error="invalid_token"' if "authorization" in headers else ""
            answer = problems.answer(
                401,
                "no_valid_token",
                "A valid bearer token is required: `python -m contact_sync token` makes one.",
                headers={"WWW-Authenticate": f'Bearer realm="contact-sync"{given}'},
            )
            await answer(scope, receive, send)
            return
        scope.setdefault("state", {})["bearer"] = bearer
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            await problems.answer(413, *_TOO_LARGE, field="body")(scope, receive, send)
            return
        await self._app(scope, _counted(receive), send)


_TOO_LARGE = ("too_large", f"The body is larger than {LARGEST_BODY} bytes.")


def _is_open(path: str) -> bool:
    return path in _OPEN_PATHS or path.startswith(_OPEN_PREFIXES)


def _bearer(key: bytes, headers: Headers) -> tokens.Bearer | None:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return tokens.read(key, token.strip()) if kind.lower() == "bearer" else None


def _counted(receive: Receive) -> Receive:
    """A body sent in chunks names no length."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise problems.refusal(413, *_TOO_LARGE, field="body")
        return message

    return counted
