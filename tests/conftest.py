"""One embedded Postgres per session, and in it a migrated database that is empty again for each test."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from contact_sync import database, migrations
from sandbox import postgres
from tests.raw_sql import RawSql
from tests.reused_database import ReusedDatabase
from tests.stages.house import House

# A developer's own connections must not reach the tests.
for _name in [n for n in os.environ if n.startswith(("AIRFLOW_CONN_", "CONTACT_SYNC_"))]:
    del os.environ[_name]

TEMPLATE = "contact_sync_template"
SECRET = "a secret of the tests, long enough to be one"

#: Durability is off, because nothing here outlives the session; nothing happens beside the tests; and a password
#: is checked in a moment.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "scram_iterations": "1",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Few tests in a file are long ones: begun last, they would keep one process busy and the others idle."""
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: sizes[item.path])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "fresh_database: counts blocks or bytes, so no row was ever there before"
    )


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    """A running server of its own."""
    server = postgres.start(tmp_path_factory.mktemp("postgres"), settings=SETTINGS)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template(postgres_server: postgres.Server) -> str:
    """The name of a migrated, empty database that belongs to the owner's role."""
    postgres.psql(postgres_server, f"CREATE DATABASE {TEMPLATE} OWNER contact_sync_owner")
    owner = database.Database(postgres_server.url(TEMPLATE, "contact_sync_owner"))
    migrations.migrate(owner)
    migrations.publish_to_analysts(owner)
    owner.close()
    return TEMPLATE


@pytest.fixture(scope="session")
def reused_database(postgres_server: postgres.Server, template: str) -> Iterator[ReusedDatabase]:
    """The database of ``database_url``."""
    reused = ReusedDatabase(postgres_server, template, SECRET)
    yield reused
    reused.close()


@pytest.fixture
def database_url(
    postgres_server: postgres.Server, reused_database: ReusedDatabase, request: pytest.FixtureRequest
) -> str:
    """URL of a migrated database without a row, as the application's role."""
    is_fresh = request.node.get_closest_marker("fresh_database") is not None
    return postgres_server.url(reused_database.empty(is_fresh=is_fresh), "contact_sync")


@pytest.fixture
def db(database_url: str, reused_database: ReusedDatabase) -> database.Database:
    """The database of ``database_url``, opened as the application's role."""
    assert database_url
    return reused_database.db


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture
def raw(database_url: str) -> Iterator[RawSql]:
    """SQL by hand on the test's database."""
    opened = RawSql(database_url)
    yield opened
    opened.close()


@pytest.fixture
def bare_house(db: database.Database, raw: RawSql) -> House:
    """A house without an org or a workspace."""
    return House(db, raw)


@pytest.fixture
def house(bare_house: House) -> House:
    """A house with one org and one workspace connected to it."""
    bare_house.org()
    bare_house.workspace()
    return bare_house
