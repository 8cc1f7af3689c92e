"""One embedded Postgres per session, a migrated template database, a clone of it per test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contact_sync import database, migrations
from sandbox import postgres

# A developer's own connections must not reach the tests.
for _name in [n for n in os.environ if n.startswith(("AIRFLOW_CONN_", "CONTACT_SYNC_"))]:
    del os.environ[_name]

TEMPLATE = "contact_sync_template"
SECRET = "a secret of the tests, long enough to be one"

_clones = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    """A running server of its own; durability is off, because nothing here outlives the session."""
    server = postgres.start(
        tmp_path_factory.mktemp("postgres"),
        settings={"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
    )
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template(postgres_server: postgres.Server) -> str:
    """The name of a migrated, empty database that belongs to the owner's role."""
    postgres.psql(postgres_server, f"CREATE DATABASE {TEMPLATE} OWNER contact_sync_owner")
    owner = database.Database(postgres_server.url(TEMPLATE, "contact_sync_owner"))
    migrations.migrate(owner)
    owner.close()
    return TEMPLATE


@pytest.fixture
def database_url(postgres_server: postgres.Server, template: str) -> Iterator[str]:
    """URL of a fresh migrated database, as the application's role."""
    name = f"test_{next(_clones)}"
    postgres.psql(postgres_server, f"CREATE DATABASE {name} TEMPLATE {template} OWNER contact_sync_owner")
    yield postgres_server.url(name, "contact_sync")
    postgres.psql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(database_url: str) -> Iterator[database.Database]:
    """A fresh migrated database, opened as the application's role."""
    opened = database.Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parents[1]
