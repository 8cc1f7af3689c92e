"""Reads of the sidebar: what an agent sees, and what it costs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from contact_sync import database, statements
from contact_sync.sidebar import models, reading
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, WORKSPACE, House, person_id


def seen(house: House, contact: int = 1) -> models.Sidebar:
    found = reading.read(house.db, WORKSPACE, contact)
    assert found is not None
    return found


def edited(raw: RawSql, status: str = "queued", **cells: Any) -> int:
    """An edit of person 1's title; returns its id."""
    given = {
        "org_id": ORG,
        "workspace_id": WORKSPACE,
        "salesforce_id": person_id(1),
        "target_salesforce_id": person_id(1),
        "respond_id": 1,
        "field_name": "Title",
        "requested_by": "ada",
        "status": status,
    }
    if status not in ("queued", "applying", "parked"):
        given["settled_at"] = "now"
    raw.insert("field_edit", **{**given, **cells})
    return int(raw.value("SELECT max(edit_id) FROM field_edit"))


def test_a_matched_contact_shows_its_chosen_fields_in_order(house: House) -> None:
    house.materialize()
    sidebar = seen(house)
    assert (sidebar.match_status, sidebar.matched_by) == ("matched", "email")
    assert [(item.name, item.value) for item in sidebar.fields] == [("Title", "Countess"), ("Phone", None)]


def test_a_field_that_cannot_be_edited_says_why(house: House) -> None:
    house.materialize()
    title, phone = seen(house).fields
    assert title.editable
    assert title.read_only_reason is None
    assert not phone.editable
    assert "E-mail and phone fields" in (phone.read_only_reason or "")


def test_a_formula_is_as_old_as_the_last_reading_of_all_contacts(house: House, raw: RawSql) -> None:
    house.field("Full_Title__c", calculated=True)
    house.field("Account.Name")
    house.choose("Title", "Full_Title__c", "Account.Name")
    house.materialize()
    read_at = datetime(2026, 1, 5, tzinfo=UTC)
    raw.insert(
        "extract_window", org_id=ORG, kind="formula", status="running", queried_at=read_at, read_until=read_at
    )
    raw("UPDATE extract_window SET status = 'proven', finished_at = now(), rows_reported = 0")
    contact_read_at = raw.value("SELECT read_at FROM salesforce_contact")
    ages = {item.name: item.as_of for item in seen(house).fields}
    assert ages == {"Title": contact_read_at, "Full_Title__c": read_at, "Account.Name": read_at}
    shown = raw("SELECT field_name, as_of FROM sidebar_field_values")
    assert {row["field_name"]: row["as_of"] for row in shown} == ages


def test_a_workspace_that_changes_its_org_takes_that_orgs_age(house: House, raw: RawSql) -> None:
    house.materialize()
    raw.insert(
        "extract_window", org_id=ORG, kind="formula", status="running", queried_at=NOON, read_until=NOON
    )
    raw("UPDATE extract_window SET status = 'proven', finished_at = now(), rows_reported = 0")
    assert raw.value("SELECT formulas_as_of FROM sidebar_layout") == NOON
    house.settings(org_id=None)
    assert raw.value("SELECT formulas_as_of FROM sidebar_layout") is None
    house.settings(org_id=ORG)
    assert raw.value("SELECT formulas_as_of FROM sidebar_layout") == NOON


def test_a_field_that_can_no_longer_be_read_keeps_its_value_marked_stale(house: House, raw: RawSql) -> None:
    raw.update("salesforce_field", {"name": "Title"}, lost_at="2026-01-02T00:00:00Z")
    house.materialize()
    title = seen(house).fields[0]
    assert title.value == "Countess"
    assert title.stale is not None
    assert not title.editable


@pytest.mark.parametrize("status", ["queued", "applying", "parked", "conflict", "rejected"])
def test_an_edit_that_is_not_done_shows_at_its_field(house: House, raw: RawSql, status: str) -> None:
    house.materialize()
    edit_id = edited(raw, status, error_detail="because")
    title, phone = seen(house).fields
    assert title.edit is not None
    assert (title.edit.edit_id, title.edit.status, title.edit.reason) == (edit_id, status, "because")
    assert phone.edit is None


@pytest.mark.parametrize("status", ["applied", "discarded"])
def test_a_refusal_is_forgotten_when_another_edit_followed(house: House, raw: RawSql, status: str) -> None:
    house.materialize()
    edited(raw, "rejected")
    edited(raw, status)
    assert seen(house).fields[0].edit is None


def test_an_edit_of_another_salesforce_contact_does_not_show(house: House, raw: RawSql) -> None:
    house.materialize()
    edited(raw, target_salesforce_id=person_id(2))
    assert seen(house).fields[0].edit is None


def test_a_contact_without_a_match_says_why_and_how_to_get_one(house: House) -> None:
    house.materialize()
    sidebar = seen(house, 2)
    assert (sidebar.match_status, sidebar.reason, sidebar.fields) == ("unmatched", "no_identifier", [])
    assert "Give this contact an e-mail" in (sidebar.hint or "")


def test_a_near_miss_is_told_in_the_hint(house: House) -> None:
    house.settings(match_mode="exact")
    house.contact(3, email="Ada@example.org")
    house.materialize()
    assert "write both the same way" in (seen(house, 3).hint or "")


def test_an_ambiguous_contact_says_how_many_candidates_there_are(house: House) -> None:
    house.person(2, email="ada@example.org")
    house.materialize()
    sidebar = seen(house)
    assert (sidebar.match_status, sidebar.reason) == ("ambiguous", "several_by_email")
    assert sidebar.candidate_count == 2


def test_a_contact_that_was_not_compared_yet_is_no_error(house: House) -> None:
    assert seen(house).reason == "not_compared_yet"


def test_a_disconnected_workspace_shows_nothing_of_salesforce(house: House) -> None:
    house.materialize()
    house.raw.update("workspace", {"workspace_id": WORKSPACE}, org_id=None)
    house.raw("DELETE FROM sidebar_fields")
    assert seen(house).reason == "not_connected"


@pytest.mark.parametrize("contact", [3, models.LARGEST_ID])
def test_a_contact_nobody_knows_is_nothing(house: House, contact: int) -> None:
    assert reading.read(house.db, WORKSPACE, contact) is None


def test_a_contact_that_is_gone_is_nothing(house: House) -> None:
    house.change_contact(2, gone_at="now")
    assert reading.read(house.db, WORKSPACE, 2) is None


@pytest.fixture
def crowd(house: House, raw: RawSql) -> int:
    """Contact 1 and its queued edit among 20,000 matched ones of a workspace that shows them; its id."""
    house.materialize()
    raw(
        "INSERT INTO sidebar_fields (org_id, workspace_id, respond_id, salesforce_id, match_status, fields)"
        " SELECT %(org)s, %(workspace)s, n, %(person)s, 'matched', '{\"Title\": \"Countess\"}'"
        " FROM generate_series(10, 20000) AS n",
        org=ORG,
        workspace=WORKSPACE,
        person=person_id(2),
    )
    edited(raw)
    raw("ANALYZE")
    return 1


@pytest.mark.fresh_database
def test_a_read_of_a_match_touches_at_most_eight_blocks(crowd: int, raw: RawSql) -> None:
    assert 4 <= _blocks(_plan(raw, crowd)) <= 8


def test_a_match_asks_nothing_about_misses(crowd: int, raw: RawSql) -> None:
    scans = [line for line in _plan(raw, crowd) if " on respond_contact" in line or " on match_issue" in line]
    assert scans
    assert all("never executed" in line for line in scans)


def _plan(raw: RawSql, contact: int) -> list[str]:
    text = statements.get("select_sidebar").text
    place = {"workspace_id": WORKSPACE, "respond_id": contact}
    # the first run in a session also reads the catalog
    [row] = raw(text, **place)
    assert row["edits"]
    return raw.column("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, COSTS OFF) " + text, **place)


def _blocks(plan: list[str]) -> int:
    first = next(line for line in plan if "Buffers:" in line)
    return sum(int(number) for number in re.findall(r"(?:hit|read)=(\d+)", first))


def test_one_statement_answers_a_read(
    house: House, db: database.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    run = database.Transaction._run

    def noted(tx: database.Transaction, name: str, params: Any) -> Any:
        asked.append(name)
        return run(tx, name, params)

    monkeypatch.setattr(database.Transaction, "_run", noted)
    reading.read(db, WORKSPACE, 1)
    assert asked == ["select_sidebar"]
