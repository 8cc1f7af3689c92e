"""Serves the stand-in over HTTPS with a certificate made on the spot."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
import uvicorn
from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class Served:
    """Where the stand-in answers and whom to trust."""

    port: int
    authority: Path


@contextmanager
def served(app: ASGIApp, directory: Path) -> Iterator[Served]:
    """Serve ``app`` on a free loopback port until the block ends."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(directory / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none")
    config.load()
    config.ssl = context
    server = uvicorn.Server(config)
    is_ready = threading.Event()
    startup = server.startup

    async def announced(sockets: object = None) -> None:
        await startup()
        is_ready.set()

    server.startup = announced  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert is_ready.wait(60)
        yield Served(server.servers[0].sockets[0].getsockname()[1], directory / "authority.pem")
    finally:
        server.should_exit = True
        thread.join(60)
