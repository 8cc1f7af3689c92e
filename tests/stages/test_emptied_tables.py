"""A table that was emptied has no page to read and looks free: what fills it again must not read it once per row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contact_sync import database
from contact_sync.stages import match_contacts, materialize_sidebar
from sandbox import postgres
from tests.raw_sql import RawSql
from tests.stages.house import ORG, WORKSPACE, House

PEOPLE = 40
SCANS = (
    "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = %(table)s AND schemaname = 'contact_sync'"
)


@pytest.fixture
def owner(postgres_server: postgres.Server, database_url: str) -> Iterator[RawSql]:
    """Whoever may vacuum: the application may not."""
    opened = RawSql(postgres_server.url(database_url.rsplit("/", 1)[1]))
    yield opened
    opened.close()


@pytest.fixture
def populated(house: House, owner: RawSql) -> House:
    """People on both sides, matched and shown, in tables that the planner knows."""
    house.field("Title")
    house.choose("Title")
    for number in range(1, PEOPLE + 1):
        house.person(number, email=f"person{number}@example.com")
        house.contact(number, email=f"person{number}@example.com")
    house.materialize()
    owner("ANALYZE")
    return house


def empty(owner: RawSql, table: str) -> None:
    """Delete all rows and give the pages back; statistics of what was there stay."""
    owner(f"DELETE FROM {table}")  # noqa: S608
    owner("DELETE FROM pending_change")
    owner(f"VACUUM {table}")
    assert owner.value(f"SELECT pg_relation_size('{table}')") == 0


def scans_of(monkeypatch: pytest.MonkeyPatch, statements: tuple[str, ...], table: str) -> list[int]:
    """Will hold how often each run of one of the statements read a table as a whole."""
    found: list[int] = []
    run = database.Transaction._run

    def scans(tx: database.Transaction) -> int:
        with tx._driver().cursor() as cursor:
            cursor.execute(SCANS, {"table": table})
            return sum(count for (count,) in cursor.fetchall())

    def counting(tx: database.Transaction, name: str, params: Any) -> Any:
        before = scans(tx) if name in statements else 0
        done = run(tx, name, params)
        if name in statements:
            found.append(scans(tx) - before)
        return done

    monkeypatch.setattr(database.Transaction, "_run", counting)
    return found


@pytest.mark.parametrize("broad_from", [0, 10_000])
@pytest.mark.parametrize(
    ("statements", "table", "entity"),
    [
        (("insert_verdicts",), "contact_match", "respond_key"),
        (("write_all_matched_rows", "insert_shown_rows"), "sidebar_fields", "sidebar_row"),
        (("insert_missing_respond_keys",), "respond_key", "respond_contact"),
        (("insert_missing_salesforce_keys",), "salesforce_key", "salesforce_contact"),
    ],
)
def test_filling_an_emptied_table_does_not_read_it_once_per_row(
    populated: House,
    owner: RawSql,
    monkeypatch: pytest.MonkeyPatch,
    statements: tuple[str, ...],
    table: str,
    entity: str,
    broad_from: int,
) -> None:
    for stage in (match_contacts, materialize_sidebar):
        monkeypatch.setattr(stage, "BROAD_FROM", broad_from)
    empty(owner, table)
    workspace = {} if entity == "salesforce_contact" else {"workspace_id": WORKSPACE}
    populated.raw.insert("pending_change", org_id=ORG, entity=entity, **workspace)
    scans = scans_of(monkeypatch, statements, table)
    populated.materialize()
    assert populated.raw.value(f"SELECT count(*) FROM {table}") == PEOPLE  # noqa: S608
    assert scans
    # where all are joined by hash, once for what differs and once for what is new
    assert max(scans) <= 2
