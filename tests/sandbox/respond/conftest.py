"""A workspace without people, and clients that call it in process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.respond.app import create_app
from sandbox.respond.store import Store
from sandbox.respond.webhooks import Sender
from tests.sandbox.calling import called

TOKEN = "a.workspace.token"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The store behind the stand-in, and a client that has the token."""

    store: Store
    client: httpx.Client

    def make(self, **fields: Any) -> int:
        """Make a contact that has been there for a while; return its id."""
        return self.store.insert_contacts([{"firstName": "Ana", **fields}])[0]

    def listed(self, *conditions: dict[str, Any], **query: Any) -> dict[str, Any]:
        """Return a page of the list."""
        body = {"search": "", "timezone": "UTC", "filter": {"$and": list(conditions)}}
        answer: dict[str, Any] = self.client.post("/v2/contact/list", params=query, json=body).json()
        return answer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty workspace that answers as fast as it can and shows changes at once."""
    store = Store(tmp_path / "respond.sqlite3")
    store.switch({"requests_per_second": 0, "index_lag_seconds": 0})
    yield store
    store.close()


@pytest.fixture
def workspace(store: Store) -> Iterator[Workspace]:
    """The stand-in over ``store``."""
    with closing(Sender(store)) as sender:
        # no bucket refills while a test runs, however slow the machine
        app = create_app(store, token=TOKEN, sender=sender, clock=lambda: 0.0)
        with called(app, {"Authorization": f"Bearer {TOKEN}"}) as client:
            yield Workspace(store, client)


@pytest.fixture
def ids(workspace: Workspace) -> Callable[..., list[int]]:
    """Return the ids that a list with these conditions answers."""

    def listed(*conditions: dict[str, Any], **query: Any) -> list[int]:
        return [item["id"] for item in workspace.listed(*conditions, **query)["items"]]

    return listed
