"""An org, its application called in process, and a client that is logged in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio.from_thread
import httpx
import pytest
from fastapi import FastAPI

from sandbox.salesforce.app import create_app
from sandbox.salesforce.org import Org
from sandbox.salesforce.store import Store

DATA = "/services/data/v66.0"
KEY, SECRET = "the-consumer-key", "the-consumer-secret"


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.seconds = 1_790_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


class InProcess(httpx.BaseTransport):
    """Calls an ASGI application without a socket."""

    def __init__(self, app: FastAPI, portal: anyio.from_thread.BlockingPortal) -> None:
        self._inner = httpx.ASGITransport(app=app)
        self._portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the whole answer, still encoded as it was sent."""
        return self._portal.call(self._handle, request)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        content = b"".join([chunk async for chunk in answer.stream])
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(content))


@pytest.fixture(scope="session")
def portal() -> Iterator[anyio.from_thread.BlockingPortal]:
    """One event loop in a thread for the whole session."""
    with anyio.from_thread.start_blocking_portal() as started:
        yield started


@pytest.fixture
def clock() -> Clock:
    """The org's clock."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """An empty org."""
    opened = Store(tmp_path / "salesforce.sqlite3", clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def app(store: Store) -> Iterator[FastAPI]:
    """The org's application."""
    created = create_app(store, consumer_key=KEY, consumer_secret=SECRET)
    yield created
    created.state.org.close()


@pytest.fixture
def org(app: FastAPI) -> Org:
    """The org behind the application."""
    found: Org = app.state.org
    return found


@pytest.fixture
def anonymous(app: FastAPI, portal: anyio.from_thread.BlockingPortal) -> Iterator[httpx.Client]:
    """A client without a token."""
    with httpx.Client(transport=InProcess(app, portal), base_url="http://org.example") as client:
        yield client


@pytest.fixture
def client(anonymous: httpx.Client) -> httpx.Client:
    """A client that is logged in as the integration user; its base is the API version."""
    form = {"grant_type": "client_credentials", "client_id": KEY, "client_secret": SECRET}
    token = anonymous.post("/services/oauth2/token", data=form).json()["access_token"]
    anonymous.headers["Authorization"] = f"Bearer {token}"
    anonymous.base_url = httpx.URL(f"http://org.example{DATA}")
    return anonymous
