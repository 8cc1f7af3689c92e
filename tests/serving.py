"""Serves an ASGI application on a free loopback port for as long as a test wants it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """A server that says when it is ready, so that nobody polls."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none"))
        self.is_ready = threading.Event()

    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        self.is_ready.set()

    async def main_loop(self) -> None:
        """Look ten times as often as uvicorn's own loop whether to stop: most tests serve for a moment only."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            await asyncio.sleep(0.01)


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Yield the base URL; the server is stopped and its thread joined at the end."""
    server = _Server(app)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        if not server.is_ready.wait(60):
            raise RuntimeError("the stand-in did not start")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(60)
