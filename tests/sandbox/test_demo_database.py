"""The supervisor's statements run against the real tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sandbox import demo_database

#: The one statement for Airflow's database.
AIRFLOWS = "pause_all_dags"

PARAMETERS = {
    "since": datetime(2026, 1, 1, tzinfo=UTC),
    "workspace_id": "demo",
    "org_id": "00D5g0000000001EAA",
    "ids": ["0035g0000000001AAA"],
    "respond_id": 1,
}


@pytest.mark.parametrize("name", sorted(set(demo_database.statements()) - {AIRFLOWS}))
def test_every_statement_runs(database_url: str, name: str) -> None:
    assert isinstance(demo_database.ask(database_url, name, **PARAMETERS), list)


@pytest.mark.parametrize(("table", "is_there"), [("contact_match", True), ("nowhere", False)])
def test_a_table_is_there_or_not(database_url: str, table: str, is_there: bool) -> None:
    assert demo_database.has_table(database_url, f"contact_sync.{table}") is is_there
