from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Command
from tests.raw_sql import RawSql
from tests.stages.house import ORG, House, person_id


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


def line(shown: str, name: str) -> str:
    [found] = [line for line in shown.splitlines() if line.strip().startswith(name)]
    return found


def settled(command: Command, raw: RawSql, age: str, **cells: object) -> tuple[dict[str, object], str]:
    """The org's status as both readers see it, with what has settled so long ago."""
    raw("UPDATE salesforce_org SET settled_until = now() - %(age)s::interval", age=age)
    if cells:
        raw.update("salesforce_org", {"org_id": ORG}, **cells)
    [org] = command("status", "--json").json["orgs"]
    return org, command("status").out


def test_the_age_of_what_has_settled_is_told(command: Command, busy: House, raw: RawSql) -> None:
    org, shown = settled(command, raw, "6 minutes")
    assert 350 < float(str(org["settled_age_seconds"])) < 400
    assert not org["is_settled_late"]
    assert "6 min ago" in shown
    assert "ALERT" not in line(shown, "settled")


def test_what_has_settled_standing_still_is_an_alert_with_its_reason(
    command: Command, busy: House, raw: RawSql
) -> None:
    org, shown = settled(command, raw, "25 minutes", settled_detail="a transaction is open")
    assert org["is_settled_late"]
    assert "ALERT: it stands still; a transaction is open" in shown


def test_a_disconnected_org_raises_no_alert(command: Command, busy: House, raw: RawSql) -> None:
    org, shown = settled(command, raw, "3 days", disconnected_at=datetime.now(UTC))
    assert not org["is_settled_late"]
    assert "ALERT" not in shown


def test_a_windows_numbers_are_all_there(command: Command, busy: House, raw: RawSql) -> None:
    raw("UPDATE extract_window SET rows_distinct = 1, rows_erased = 2, rows_late = 3, api_calls = 4")
    [org] = command("status", "--json").json["orgs"]
    names = ("reported", "landed", "distinct", "merged", "quarantined", "erased", "late")
    assert [org["windows"][0][f"rows_{name}"] for name in names] == [1, 1, 1, 1, 0, 2, 3]
    shown = command("status").out
    assert "reported  landed  distinct  changed  quarantined  erased  late  calls" in shown


def test_an_org_that_is_withheld_from_matching_raises_an_alert(
    command: Command, busy: House, raw: RawSql
) -> None:
    raw.insert("held_change", org_id=ORG, kind="gate", affected=7)
    printed = command("status").out
    assert "ALERT: hold 1: rows did not pass the quality checks, so nobody of the org is matched" in printed
    assert [hold["kind"] for hold in command("status", "--json").json["orgs"][0]["holds"]] == ["gate"]


def test_how_far_deletions_are_known_is_said(command: Command, busy: House, raw: RawSql) -> None:
    raw("UPDATE salesforce_org SET deletes_until = now() - interval '2 minutes'")
    assert "2 min ago" in line(command("status").out, "deletions")
    assert "ALERT" not in line(command("status").out, "deletions")
    raw("UPDATE salesforce_org SET deletes_until = now() - interval '2 hours'")
    assert "ALERT" in line(command("status").out, "deletions")


def test_why_a_window_was_put_off_is_said(command: Command, busy: House, raw: RawSql) -> None:
    detail = "lane extract stops at 85% of the org's daily API calls"
    raw.insert("extract_window", org_id=ORG, kind="incremental", status="deferred", detail=detail)
    number = raw.value("SELECT max(window_id) FROM extract_window")
    assert f"window {number}: {detail}" in command("status").out


def edit(raw: RawSql, status: str, age: str, **cells: object) -> None:
    """An edit of its own field, requested so long ago."""
    number = raw.value("SELECT count(*) FROM field_edit")
    given = {"org_id": ORG, "workspace_id": "acme", "salesforce_id": person_id(1), "requested_by": "ann"}
    raw.insert(
        "field_edit",
        **given,
        target_salesforce_id=person_id(1),
        field_name=f"F{number}",
        status=status,
        **cells,
    )
    raw(
        "UPDATE field_edit SET requested_at = now() - %(age)s::interval WHERE field_name = %(name)s",
        age=age,
        name=f"F{number}",
    )


def test_edits_on_their_way_are_counted(command: Command, busy: House, raw: RawSql) -> None:
    assert line(command("status").out, "waiting edits").split() == ["waiting", "edits", "none"]
    edit(raw, "queued", "2 minutes")
    edit(raw, "applying", "1 minute")
    edit(raw, "parked", "3 days")
    [workspace] = command("status", "--json").json["workspaces"]
    found = workspace["edits"]
    assert [found[name] for name in ("queued", "applying", "parked")] == [1, 1, 1]
    assert 110 < found["oldest_seconds"] < 180
    told = line(command("status").out, "waiting edits")
    assert "queued 1, applying 1, parked 1, the oldest on its way for 2 min" in told
    assert "ALERT" not in told


@pytest.mark.parametrize(
    ("cells", "why"), [({"error_code": "no_answer"}, "no_answer"), ({}, "does the DAG apply_edits run?")]
)
def test_an_edit_that_waits_for_long_is_an_alert(
    command: Command, busy: House, raw: RawSql, cells: dict[str, object], why: str
) -> None:
    edit(raw, "queued", "6 minutes", **cells)
    told = line(command("status").out, "waiting edits")
    assert "ALERT" in told
    assert why in told
