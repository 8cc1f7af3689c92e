"""The real edge on the stand-in, over a real socket: no patching."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest

from contact_sync import database, records, transport
from contact_sync.respond_io.session import Session
from sandbox.respond.app import create_app
from sandbox.respond.store import Store
from tests.serving import served

CLAIMS = {"spaceId": 7, "orgId": 70, "id": 1, "iat": 1767268800, "type": "api"}
TOKEN = jwt.encode(CLAIMS, "k" * 32, algorithm="HS256")
WORKSPACE_ID = records.WorkspaceId("acme")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Store]:
    """The stand-in's workspace, its list up to date at once."""
    store = Store(tmp_path / "respond.sqlite")
    store.switch({"index_lag_seconds": 0.0})
    yield store
    store.close()


@pytest.fixture
def vendor(workspace: Store) -> Iterator[httpx.Client]:
    """A client whose base URL is the served stand-in's."""
    with served(create_app(workspace, token=TOKEN)) as url, transport.http_client(url) as client:
        yield client


def connection(vendor: httpx.Client, token: str = TOKEN) -> records.RespondConnection:
    """The connection to the served workspace."""
    base_url = str(vendor.base_url).rstrip("/") + "/v2"
    return records.RespondConnection(conn_id="respond_io_default", base_url=base_url, token=token)


@pytest.fixture
def session(db: database.Database, vendor: httpx.Client) -> Session:
    return Session(db, vendor, connection(vendor), workspace_id=WORKSPACE_ID, lane="extract")
