from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Command
from tests.raw_sql import RawSql
from tests.stages.house import ORG, House


@pytest.fixture
def busy(house: House, raw: RawSql) -> House:
    """A house where a window, a walk, a match and a miss happened."""
    house.person(1, email="ada@example.com")
    house.contact(1, email="ada@example.com")
    house.contact(2)
    house.materialize()
    read_until = datetime.now(UTC) - timedelta(minutes=3)
    raw.insert(
        "extract_window",
        org_id=ORG,
        kind="initial",
        status="proven",
        read_until=read_until,
        rows_reported=1,
        rows_landed=1,
        rows_merged=1,
    )
    raw("INSERT INTO respond_walk (workspace_id, began_at, finished_at) VALUES ('acme', now(), now())")
    raw(
        "INSERT INTO api_usage SELECT (now() AT TIME ZONE 'UTC')::date, org_id, 'extract', 4 FROM salesforce_org"
    )
    raw.insert("quarantined_row", org_id=ORG, raw="{}", reason="holds a NUL character")
    return house


def test_an_orgs_status_says_how_far_it_is_proven(command: Command, busy: House) -> None:
    [org] = command("status", "--json").json["orgs"]
    assert 170 < org["watermark_age_seconds"] < 240
    assert (org["pending_changes"], org["quarantined_rows"]) == (0, 1)
    assert org["calls_today"] == {"extract": 4}
    assert [window["rows_landed"] for window in org["windows"]] == [1]


def test_a_workspaces_status_counts_matches_by_rule_and_misses_by_reason(
    command: Command, busy: House
) -> None:
    [workspace] = command("status", "--json").json["workspaces"]
    assert workspace["matched"] == {"email": 1}
    assert workspace["ambiguous"] == {}
    assert workspace["unmatched"] == {"no_identifier": 1}
    assert workspace["walk_age_seconds"] < 60


def test_the_latest_run_of_each_stage_is_listed(command: Command, busy: House) -> None:
    found = command("status", "--json").json["stages"]
    assert [run["stage"] for run in found] == ["match_contacts", "materialize_sidebar", "normalize_contacts"]
    assert {run["status"] for run in found} == {"succeeded"}


def test_a_person_reads_the_same(command: Command, busy: House) -> None:
    shown = command("status").out
    for part in (
        "3 min ago",
        "matched           1  (email 1)",
        "no_identifier 1",
        "API calls today   extract 4",
    ):
        assert part in shown


def test_before_the_first_org_the_next_step_is_told(command: Command) -> None:
    said = command("status")
    assert said.code == 0
    assert "python -m contact_sync connect" in said.out


def test_an_org_never_read_says_so(command: Command, house: House) -> None:
    assert "never read" in command("status").out
