"""The describe while the sync goes on: asked for changes hourly, in full daily, and never at a value's cost."""

from __future__ import annotations

import pytest

from tests.raw_sql import RawSql
from tests.stages.conftest import SalesforceSide

LONG_AGO = 1767268800


@pytest.fixture
def read(salesforce: SalesforceSide) -> SalesforceSide:
    """An org whose one contact is read, with the title that the workspace shows."""
    salesforce.store.insert_contacts([{"LastName": "Ada", "Title": "Dr", "SystemModstamp": LONG_AGO}])
    salesforce.extract()
    return salesforce


def grow_old(raw: RawSql, asked: str, in_full: str) -> None:
    raw(
        "UPDATE salesforce_org SET described_at = now() - %(asked)s::interval,"
        " described_fully_at = now() - %(in_full)s::interval",
        asked=asked,
        in_full=in_full,
    )


def described(side: SalesforceSide) -> list[int]:
    """The statuses of the describes since the last look."""
    requests = side.steer("GET", "/journal").json()["requests"]
    side.steer("DELETE", "/journal")
    return [request["status"] for request in requests if request["path"].endswith("/describe")]


def permit(side: SalesforceSide, access: str) -> None:
    side.steer("POST", "/permissions", {"field": "Title", "access": access})


def title(raw: RawSql) -> object:
    return raw.value("SELECT payload ->> 'Title' FROM salesforce_contact")


@pytest.mark.parametrize(
    ("asked", "in_full", "expected"),
    [("1 min", "1 min", []), ("61 min", "2 h", [304, 304]), ("61 min", "25 h", [200, 200])],
)
def test_an_unchanged_describe_costs_two_small_answers_an_hour(
    read: SalesforceSide, raw: RawSql, asked: str, in_full: str, expected: list[int]
) -> None:
    described(read)
    grow_old(raw, asked, in_full)
    read.extract("later")
    assert described(read) == expected
    assert raw.value("SELECT count(*) FROM salesforce_field_event") == 0


def test_a_lost_permission_keeps_the_values_and_is_told(read: SalesforceSide, raw: RawSql) -> None:
    permit(read, "none")
    grow_old(raw, "61 min", "2 h")
    assert read.extract("without")["fields_changed"] == 0
    assert title(raw) == "Dr"
    assert raw.column("SELECT event FROM salesforce_field_event") == ["lost"]


def test_a_regained_field_is_filled_in_the_background(read: SalesforceSide, raw: RawSql) -> None:
    permit(read, "none")
    grow_old(raw, "61 min", "2 h")
    read.extract("without")
    [salesforce_id] = raw.column("SELECT salesforce_id FROM salesforce_contact")
    read.steer("PATCH", f"/contacts/{salesforce_id}", {"Title": "Professor"})
    read.extract("meanwhile")
    assert title(raw) == "Dr"
    permit(read, "edit")
    grow_old(raw, "61 min", "2 h")
    read.extract("again")
    assert title(raw) == "Professor"
    assert raw.column("SELECT event FROM salesforce_field_event ORDER BY event_id") == ["lost", "regained"]
