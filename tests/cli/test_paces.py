"""How far the walk and the creations are, in status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contact_sync.cli import paces
from tests.cli.conftest import Command
from tests.raw_sql import RawSql
from tests.stages.house import ORG, WORKSPACE, House, person_id


def walked(raw: RawSql, *, ago: int, contacts: int, is_over: bool) -> None:
    """A walk begun so many minutes ago."""
    began = datetime.now(UTC) - timedelta(minutes=ago)
    raw.insert(
        "respond_walk",
        workspace_id=WORKSPACE,
        began_at=began,
        contacts=contacts,
        pages=contacts // 100,
        finished_at=began + timedelta(minutes=5) if is_over else None,
    )


def planned(raw: RawSql, number: int, status: str = "planned", **cells: object) -> None:
    raw.insert(
        "contact_creation",
        org_id=ORG,
        workspace_id=WORKSPACE,
        salesforce_id=person_id(number),
        status=status,
        **cells,
    )


def test_a_walk_under_way_says_how_far_it_is_and_when_it_ends(house: House, raw: RawSql) -> None:
    walked(raw, ago=60, contacts=1000, is_over=True)
    walked(raw, ago=10, contacts=250, is_over=False)
    walk = paces.read(house.db)[WORKSPACE]["walk"]
    assert (walk["contacts"], walk["contacts_expected"]) == (250, 1000)
    assert walk["oldest_look_seconds"] == pytest.approx(3600, abs=30)
    left = (walk["expected_end_at"] - datetime.now(UTC)).total_seconds()
    assert left == pytest.approx(1800, abs=30)


def test_without_creations_there_is_nothing_to_tell(house: House) -> None:
    assert paces.read(house.db)[WORKSPACE]["creations"] is None


def test_a_hundred_thousand_creations_take_about_28_hours(house: House, raw: RawSql) -> None:
    raw(
        "INSERT INTO contact_creation (org_id, workspace_id, salesforce_id, status)"
        " SELECT %(org)s, %(workspace)s, '003' || lpad(n::text, 15, '0'), 'planned'"
        " FROM generate_series(1, 100000) AS n",
        org=ORG,
        workspace=WORKSPACE,
    )
    creations = paces.read(house.db)[WORKSPACE]["creations"]
    assert (creations["done"], creations["left_over"]) == (0, 100_000)
    hours = (creations["expected_end_at"] - datetime.now(UTC)).total_seconds() / 3600
    assert 28 < hours < 29


def test_the_end_follows_the_pace_of_the_last_ten_minutes(house: House, raw: RawSql) -> None:
    now = datetime.now(UTC)
    for number in range(11):
        settled_at = now - timedelta(seconds=30 * number)
        planned(raw, number, "tagged", respond_id=number + 1, settled_at=settled_at)
    for number in range(20, 80):
        planned(raw, number)
    creations = paces.read(house.db)[WORKSPACE]["creations"]
    assert creations["per_hour"] == pytest.approx(120)
    assert (creations["expected_end_at"] - now).total_seconds() == pytest.approx(1800, abs=10)


def test_a_person_reads_it(command: Command, house: House, raw: RawSql) -> None:
    walked(raw, ago=60, contacts=1000, is_over=True)
    walked(raw, ago=10, contacts=250, is_over=False)
    planned(raw, 1)
    said = command("status").out
    assert "250 contacts of about 1000, expected end " in said
    assert "0 done, 1 left, 0 rejected; 3528 an hour, expected end " in said
