"""Calls an ASGI application without a socket, by the synchronous client that people use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio.from_thread
import httpx
from starlette.types import ASGIApp


class InProcess(httpx.BaseTransport):
    """A transport that hands requests to an application."""

    def __init__(self, app: ASGIApp, portal: anyio.from_thread.BlockingPortal) -> None:
        self._inner = httpx.ASGITransport(app=app)
        self._portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the whole answer."""
        return self._portal.call(self._handle, request)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        content = await answer.aread()
        # the content is decoded by now
        headers = {name: value for name, value in answer.headers.multi_items() if name != "content-encoding"}
        headers["content-length"] = str(len(content))
        return httpx.Response(answer.status_code, headers=headers, content=content)


@contextmanager
def called(app: ASGIApp, headers: dict[str, str] | None = None) -> Iterator[httpx.Client]:
    """Yield a client of ``app``."""
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        httpx.Client(
            transport=InProcess(app, portal), base_url="http://respond.example", headers=headers
        ) as client,
    ):
        yield client
