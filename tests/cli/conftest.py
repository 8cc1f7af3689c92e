"""The commands in this process, with the environment an operator would have; stand-ins where a command calls out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest

from contact_sync import cli, database
from contact_sync.respond_io import session as respond_session
from sandbox.respond.app import create_app as create_respond
from sandbox.respond.store import Store as RespondStore
from sandbox.salesforce.app import create_app as create_salesforce
from sandbox.salesforce.store import Store as SalesforceStore
from tests.conftest import SECRET
from tests.raw_sql import RawSql
from tests.serving import served
from tests.stages.house import House

TOKEN = jwt.encode({"spaceId": 7, "orgId": 70, "id": 1, "iat": 1767268800}, "k" * 32, algorithm="HS256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Said]


@pytest.fixture
def environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database and the secret; connections are added by whoever needs them."""
    monkeypatch.setenv("CONTACT_SYNC_DATABASE_URL", database_url)
    monkeypatch.setenv("CONTACT_SYNC_SECRET", SECRET)


@pytest.fixture
def command(environment: None, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs one command line, its words given one by one."""

    def typed(*words: str) -> Said:
        capsys.readouterr()
        code = cli.main(words)
        told = capsys.readouterr()
        return Said(code=code, out=told.out, err=told.err)

    return typed


@pytest.fixture
def house(db: database.Database, raw: RawSql) -> House:
    """One org with two described fields, and one workspace connected to it."""
    built = House(db, raw)
    built.org()
    built.workspace()
    built.field("Title")
    built.field("Email", type="email")
    return built


@pytest.fixture
def salesforce_store(tmp_path: Path) -> Iterator[SalesforceStore]:
    opened = SalesforceStore(tmp_path / "salesforce.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def salesforce_connection(
    salesforce_store: SalesforceStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The served stand-in, known as ``salesforce_default``."""
    app = create_salesforce(salesforce_store, consumer_key="key", consumer_secret="s3cret")
    with served(app) as url:
        extra = {"consumer_key": "key", "consumer_secret": "s3cret", "login_url": url}
        monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps({"extra": extra}))
        yield url


@pytest.fixture
def respond_store(tmp_path: Path) -> Iterator[RespondStore]:
    opened = RespondStore(tmp_path / "respond.sqlite")
    opened.switch({"index_lag_seconds": 0.0, "requests_per_second": 0})
    yield opened
    opened.close()


@pytest.fixture
def respond_connection(respond_store: RespondStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The served stand-in, known as ``respond_io_default``; calls are not paced."""
    monkeypatch.setattr(respond_session, "CALLS_PER_SECOND", 1000.0)
    with served(create_respond(respond_store, token=TOKEN)) as url:
        connection = {"host": f"{url}/v2", "password": TOKEN}
        monkeypatch.setenv("AIRFLOW_CONN_RESPOND_IO_DEFAULT", json.dumps(connection))
        yield url


@pytest.fixture
def connected(command: Command, salesforce_connection: str, respond_connection: str) -> str:
    """Both systems connected as an operator does it; the org's id."""
    org_id = str(command("connect", "salesforce_default", "--json").json["org_id"])
    words = ("--respond-conn", "respond_io_default", "--org", org_id)
    assert command("workspace", "set", "acme", *words).code == 0
    return org_id
