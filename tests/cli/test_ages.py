"""What status tells of formula fields and of big windows that wait."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command
from tests.raw_sql import RawSql
from tests.stages.house import ORG, House


def read(raw: RawSql, hours: int) -> None:
    """Let everybody have been read so many hours ago."""
    raw.insert(
        "extract_window", org_id=ORG, kind="formula", status="proven", read_until="now", rows_reported=0
    )
    raw(
        "UPDATE extract_window SET queried_at = now() - make_interval(hours => %(hours)s)"
        " WHERE window_id = (SELECT max(window_id) FROM extract_window)",
        hours=hours,
    )


def waiting(raw: RawSql, minutes: int, **cells: object) -> None:
    """Let a big window have been planned so many minutes ago."""
    raw.insert(
        "extract_window", **{"org_id": ORG, "kind": "initial", "status": "planned", "is_big": True, **cells}
    )
    raw(
        "UPDATE extract_window SET planned_at = now() - make_interval(mins => %(minutes)s)"
        " WHERE window_id = (SELECT max(window_id) FROM extract_window)",
        minutes=minutes,
    )


def test_the_age_of_formula_and_parent_fields_is_told(command: Command, house: House, raw: RawSql) -> None:
    house.field("Full_Title__c", calculated=True)
    house.choose("Title", "Full_Title__c", "Account.Name")
    read(raw, hours=30)
    read(raw, hours=3)
    [org] = command("status", "--json").json["orgs"]
    assert org["formulas"]["field_names"] == ["Account.Name", "Full_Title__c"]
    assert 3 * 3600 <= org["formulas"]["age_seconds"] < 3 * 3600 + 60
    assert "formula fields    Account.Name, Full_Title__c: all read 3 h ago\n" in command("status").out


@pytest.mark.parametrize(("hours", "is_late"), [(30, False), (40, True)])
def test_formulas_that_were_not_read_for_a_day_and_a_half_are_an_alert(
    command: Command, house: House, raw: RawSql, hours: int, is_late: bool
) -> None:
    house.choose("Account.Name")
    read(raw, hours)
    assert ("ALERT: they are read daily" in command("status").out) is is_late


def test_without_formulas_nothing_is_told(command: Command, house: House, raw: RawSql) -> None:
    house.choose("Title")
    read(raw, hours=100)
    assert command("status", "--json").json["orgs"][0]["formulas"] is None
    assert "formula fields" not in command("status").out


@pytest.mark.parametrize(
    ("minutes", "heartbeat", "is_idle"),
    [(10, None, False), (20, None, True), (20, "now", False), (20, "2026-01-01Z", True)],
)
def test_big_windows_that_nobody_reads_are_an_alert(
    command: Command, house: House, raw: RawSql, minutes: int, heartbeat: str | None, is_idle: bool
) -> None:
    waiting(raw, minutes)
    if heartbeat:
        waiting(raw, minutes, status="running", heartbeat_at=heartbeat)
    [org] = command("status", "--json").json["orgs"]
    assert (org["big_windows"]["windows"], org["big_windows"]["is_idle"]) == (2 if heartbeat else 1, is_idle)
    assert ("airflow pools list" in command("status").out) is is_idle


def test_a_window_put_off_for_the_quota_is_no_alert(command: Command, house: House, raw: RawSql) -> None:
    waiting(raw, 600, status="deferred")
    assert command("status", "--json").json["orgs"][0]["big_windows"] is None
