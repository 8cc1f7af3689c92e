"""The sidebar service over a filled house, called in process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from contact_sync import database, errors
from contact_sync.sidebar import tokens
from contact_sync.sidebar.app import create_app
from tests.conftest import SECRET
from tests.raw_sql import RawSql
from tests.sandbox.calling import called
from tests.stages.house import WORKSPACE, House

AGENT = "agent@example.org"
SIGNING_KEY = "signing-key"


@pytest.fixture
def house(db: database.Database, raw: RawSql) -> House:
    """One org, and a workspace that may edit the title it shows; person 1 is contact 1."""
    house = House(db, raw)
    house.org()
    house.workspace(editing_enabled=True)
    house.field("Title", length=80)
    house.field("Phone", type="phone", label="Business Phone")
    house.choose("Title", "Phone", editable=True)
    house.person(1, email="ada@example.org", payload={"Title": "Countess"})
    house.contact(1, email="ada@example.org")
    house.contact(2)
    return house


def lookup(conn_id: str) -> Mapping[str, Any]:
    """The connections of these tests."""
    if conn_id != "respond_io_default":
        raise errors.StopError(f"connection {conn_id} is missing")
    return {"extra": {"webhook_signing_keys": [SIGNING_KEY]}}


def token(
    workspace_id: str = WORKSPACE, *, can_edit: bool = True, seconds: int = 600, secret: str = SECRET
) -> str:
    key = tokens.signing_key(secret)
    return tokens.mint(key, workspace_id=workspace_id, agent=AGENT, can_edit=can_edit, seconds=seconds)


def bearing(*words: str, **options: Any) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token(*words, **options)}"}


@pytest.fixture
def app(db: database.Database) -> FastAPI:
    return create_app(db, secret=SECRET, lookup=lookup)


@pytest.fixture
def client(app: FastAPI) -> Iterator[httpx.Client]:
    """Calls with a token that may edit."""
    with called(app, headers=bearing()) as opened:
        yield opened


@pytest.fixture
def stranger(app: FastAPI) -> Iterator[httpx.Client]:
    """Calls without a token."""
    with called(app) as opened:
        yield opened
