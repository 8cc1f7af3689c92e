"""What agents see: rows of values, and layouts that say how to show them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from contact_sync import database, tenants
from contact_sync.stages import materialize_sidebar
from tests.raw_sql import RawSql
from tests.stages.house import NOON, ORG, OTHER_ORG, WORKSPACE, WRITTEN, House, person_id
from tests.stages.test_match_runs import wait_for_a_blocked_backend

ADA = "ada@example.com"
SHOWN = ("sidebar_fields", "sidebar_layout")


def matched(house: House, **cells: Any) -> None:
    """Person 1 and contact 1, matched by e-mail."""
    house.person(1, email=ADA, **cells)
    house.contact(1, email=ADA)


def layout(house: House, workspace_id: str = WORKSPACE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.raw.value(
        "SELECT layout FROM sidebar_layout WHERE workspace_id = %(id)s", id=workspace_id
    )
    return found


def item(house: House, name: str) -> dict[str, Any]:
    [found] = [item for item in layout(house) if item["name"] == name]
    return found


# Rows


def test_a_matched_contact_shows_the_chosen_fields_and_no_others(house: House) -> None:
    house.choose("FirstName", "Title", "Account.Name")
    matched(
        house,
        first_name="Ada",
        last_name="Lovelace",
        payload={"Title": "Countess", "Account.Name": "Acme", "Department": "Secret"},
    )
    house.materialize()
    row = house.row(1)
    assert row["fields"] == {"FirstName": "Ada", "Title": "Countess", "Account.Name": "Acme"}
    assert (row["match_status"], row["matched_by"], row["salesforce_id"]) == (
        "matched",
        "email",
        person_id(1),
    )


def test_a_row_opens_the_record_and_tells_its_age(house: House) -> None:
    matched(house, read_at=NOON)
    house.materialize()
    row = house.row(1)
    assert row["salesforce_url"] == f"https://acme.example/lightning/r/Contact/{person_id(1)}/view"
    assert row["as_of"] == NOON


@pytest.mark.parametrize(
    ("name", "cells", "value"),
    [
        ("Email", {}, ADA),
        ("MobilePhone", {"mobile_phone": "1"}, "1"),
        ("HomePhone", {"home_phone": "2"}, "2"),
        ("MailingCountry", {"country": "UK"}, "UK"),
        ("Title", {"payload": {"Title": None}}, None),
        ("Score__c", {"payload": {"Score__c": 1.5}}, 1.5),
        ("VIP__c", {"payload": {"VIP__c": True}}, True),
        ("Id", {}, person_id(1)),
        ("CreatedById", {"created_by_id": person_id(9)}, person_id(9)),
        ("LastModifiedById", {"last_modified_by_id": person_id(9)}, person_id(9)),
        ("IsDeleted", {}, False),
        ("MasterRecordId", {}, None),
    ],
)
def test_any_field_can_be_shown(house: House, name: str, cells: dict[str, Any], value: Any) -> None:
    house.choose(name)
    matched(house, **cells)
    house.materialize()
    assert house.row(1)["fields"] == {name: value}


def test_an_ambiguous_contact_has_a_row_without_values(house: House) -> None:
    house.choose("FirstName")
    matched(house, first_name="Ada")
    house.person(2, email=ADA, first_name="Bea")
    house.materialize()
    row = house.row(1)
    assert (row["match_status"], row["salesforce_id"], row["salesforce_url"]) == ("ambiguous", None, None)
    assert (row["fields"], row["stale"], row["as_of"]) == ({}, {}, None)


def test_an_unmatched_contact_has_no_row(house: House) -> None:
    house.contact(1, email=ADA)
    house.materialize()
    assert house.row(1) == {}


def test_a_row_follows_its_match(house: House) -> None:
    house.choose("FirstName")
    matched(house, first_name="Ada")
    house.materialize()
    house.person(2, email="bob@example.com", first_name="Bob")
    house.change_contact(1, email="bob@example.com")
    house.materialize()
    assert house.row(1)["fields"] == {"FirstName": "Bob"}
    house.change_contact(1, email="nobody@example.com")
    assert house.materialize()["removed"] == 1
    assert house.row(1) == {}


def test_an_ambiguity_takes_the_values_away(house: House) -> None:
    house.choose("FirstName")
    matched(house, first_name="Ada")
    house.materialize()
    house.person(2, email=ADA)
    house.materialize()
    assert (house.row(1)["match_status"], house.row(1)["fields"]) == ("ambiguous", {})
    house.change_person(2, email=None)
    house.materialize()
    assert house.row(1)["fields"] == {"FirstName": "Ada"}


def test_an_ambiguity_that_ends_unmatched_loses_its_row(house: House) -> None:
    matched(house)
    house.person(2, email=ADA)
    house.materialize()
    for number in (1, 2):
        house.change_person(number, presence="deleted")
    house.materialize()
    assert house.row(1) == {}


def test_a_changed_value_is_shown_to_every_contact_of_the_person(house: House) -> None:
    house.choose("FirstName")
    matched(house, first_name="Ada")
    house.contact(2, email=ADA)
    house.materialize()
    house.change_person(1, first_name="Augusta")
    assert house.materialize()["written"] == 2
    assert house.row(2)["fields"] == {"FirstName": "Augusta"}


def test_a_change_of_a_field_nobody_chose_writes_nothing(house: House) -> None:
    house.choose("FirstName")
    matched(house, first_name="Ada")
    house.materialize()
    house.change_person(1, payload={"Title": "Countess"})
    assert house.materialize()["written"] == 0


def test_new_choices_reach_all_rows(house: House) -> None:
    house.choose("FirstName")
    matched(house, first_name="Ada", last_name="Lovelace")
    house.materialize()
    house.choose("LastName")
    house.materialize()
    assert house.row(1)["fields"] == {"LastName": "Lovelace"}


def test_a_new_instance_moves_the_links(house: House) -> None:
    matched(house)
    house.materialize()
    house.raw("UPDATE salesforce_org SET instance_url = 'https://new.example'")
    house.materialize()
    assert house.row(1)["salesforce_url"].startswith("https://new.example/")


def test_a_lost_field_keeps_its_value_marked_stale(house: House) -> None:
    house.field("Title")
    house.choose("Title")
    matched(house, payload={"Title": "Countess"})
    house.materialize()
    assert house.row(1)["stale"] == {}
    house.raw("UPDATE salesforce_field SET lost_at = %(at)s", at=NOON)
    house.materialize()
    row = house.row(1)
    assert row["fields"] == {"Title": "Countess"}
    assert row["stale"]["Title"].startswith("2026-01-01T12:00:00")
    assert "no longer" in item(house, "Title")["read_only_reason"]
    house.raw("UPDATE salesforce_field SET lost_at = NULL")
    house.materialize()
    assert house.row(1)["stale"] == {}


def test_two_workspaces_show_what_each_chose(house: House) -> None:
    house.workspace("other")
    house.choose("FirstName")
    house.choose("LastName", workspace_id="other")
    matched(house, first_name="Ada", last_name="Lovelace")
    house.contact(1, workspace_id="other", email=ADA)
    house.materialize()
    assert house.row(1)["fields"] == {"FirstName": "Ada"}
    assert house.row(1, "other")["fields"] == {"LastName": "Lovelace"}


def test_a_disconnected_workspace_leaves_the_other_alone(house: House) -> None:
    house.workspace("other")
    matched(house)
    house.contact(1, workspace_id="other", email=ADA)
    house.materialize()
    tenants.disconnect_workspace(house.db, "other")
    assert house.row(1)
    assert house.row(1, "other") == {}


# Layouts


def test_a_layout_keeps_the_order_of_choice(house: House) -> None:
    house.choose("Title", "FirstName", "Email")
    house.materialize()
    assert [item["name"] for item in layout(house)] == ["Title", "FirstName", "Email"]


def test_an_editable_field_says_so(house: House) -> None:
    house.settings(editing_enabled=True)
    house.field("Title", label="Job title")
    house.choose("Title", editable=True)
    house.materialize()
    assert layout(house) == [{"name": "Title", "label": "Job title", "type": "string", "editable": True}]


@pytest.mark.parametrize(
    ("field", "editable", "enabled", "reason"),
    [
        ({}, True, False, "switched off for this workspace"),
        ({}, False, True, "not switched on for editing"),
        ({"type": "email"}, True, True, "E-mail and phone"),
        ({"type": "phone"}, True, True, "E-mail and phone"),
        ({"calculated": True}, True, True, "calculates"),
        ({"updateable": False}, True, True, "does not let"),
        ({"lost_at": NOON}, True, True, "no longer shows"),
    ],
)
def test_a_field_that_cannot_be_edited_says_why(
    house: House, field: dict[str, Any], editable: bool, enabled: bool, reason: str
) -> None:
    house.settings(editing_enabled=enabled)
    house.field("Title", **field)
    house.choose("Title", editable=editable)
    house.materialize()
    found = item(house, "Title")
    assert not found["editable"]
    assert reason in found["read_only_reason"]


def test_a_field_that_the_describe_never_knew_is_not_editable_and_says_why(house: House) -> None:
    house.choose("Gone__c", editable=True)
    house.materialize()
    found = item(house, "Gone__c")
    assert not found["editable"]
    assert found["read_only_reason"]


def test_a_chosen_label_stands_above_the_describes(house: House) -> None:
    house.field("Title", label="Job title")
    house.choose("Title")
    house.raw("UPDATE sidebar_field_choice SET label = 'Role'")
    house.materialize()
    assert item(house, "Title")["label"] == "Role"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sidebar_field_choice SET label = 'Role'",
        "UPDATE salesforce_field SET label = 'Role'",
        "UPDATE workspace SET editing_enabled = true",
        "UPDATE sidebar_field_choice SET editable = true",
    ],
)
def test_a_new_label_or_toggle_rewrites_the_layout_and_no_row(house: House, change: str) -> None:
    house.field("Title", label="Job title")
    house.choose("Title")
    matched(house, payload={"Title": "Countess"})
    house.materialize()
    rows = house.raw.versions("sidebar_fields")
    house.raw(change)
    counts = house.materialize()
    assert (counts["looked_at"], counts["written"]) == (0, 0)
    assert house.raw.versions("sidebar_fields") == rows


def test_a_new_label_arrives(house: House) -> None:
    house.field("Title", label="Job title")
    house.choose("Title")
    house.materialize()
    house.raw("UPDATE salesforce_field SET label = 'Role'")
    assert house.materialize()["layouts"] == 1
    assert item(house, "Title")["label"] == "Role"


def test_a_field_that_the_describe_has_since_is_laid_out(house: House) -> None:
    house.choose("Title")
    house.materialize()
    assert "does not show" in item(house, "Title")["read_only_reason"]
    house.field("Other__c")
    assert house.materialize()["layouts"] == 0
    house.field("Title", label="Job title")
    assert house.materialize()["layouts"] == 1
    assert item(house, "Title")["label"] == "Job title"


@pytest.mark.parametrize("broad_from", [10_000, 0])
def test_a_choice_made_while_changes_are_claimed_is_laid_out(
    house: House, monkeypatch: pytest.MonkeyPatch, broad_from: int
) -> None:
    monkeypatch.setattr(materialize_sidebar, "BROAD_FROM", broad_from)
    house.choose("FirstName")
    matched(house, first_name="Ada", last_name="Lovelace")
    house.materialize()
    house.change_person(1, first_name="Augusta", read_at=NOON + timedelta(hours=1))
    execute = database.Transaction.execute

    def interrupted(tx: database.Transaction, name: str, /, **params: Any) -> int:
        if name in ("claim_changes", "claim_all_sidebar_changes"):
            house.choose("FirstName", "LastName")
        return execute(tx, name, **params)

    with monkeypatch.context() as patched:
        patched.setattr(database.Transaction, "execute", interrupted)
        house.materialize()
    house.materialize()
    assert house.row(1)["fields"] == {"FirstName": "Augusta", "LastName": "Lovelace"}
    assert [shown["name"] for shown in layout(house)] == ["FirstName", "LastName"]


@pytest.mark.parametrize("is_lost", [False, True], ids=["different", "unwanted"])
def test_a_row_that_an_edit_writes_after_it_was_compared_stays(
    house: House, monkeypatch: pytest.MonkeyPatch, is_lost: bool
) -> None:
    """Whoever wrote it knew more than the comparison did, and fed a change of its own."""
    house.choose("FirstName")
    matched(house, first_name="Ada")
    house.materialize()
    house.change_person(1, first_name="Augusta", read_at=NOON + timedelta(hours=1))
    if is_lost:
        house.raw("DELETE FROM contact_match")
    all_rows = database.Transaction.all

    def edited(tx: database.Transaction, name: str, /, **params: Any) -> list[database.Row]:
        rows = all_rows(tx, name, **params)
        if name == "insert_shown_rows":
            house.raw.update("sidebar_fields", {"respond_id": 1}, fields={"FirstName": "Countess"})
        return rows

    with monkeypatch.context() as patched:
        patched.setattr(database.Transaction, "all", edited)
        counts = materialize_sidebar.run(house.db, org_id=ORG, run_id="run")
    assert (counts["written"], counts["removed"]) == (0, 0)
    assert house.row(1)["fields"] == {"FirstName": "Countess"}


@pytest.mark.parametrize("is_lost", [False, True], ids=["different", "unwanted"])
def test_a_row_that_an_edit_is_writing_is_waited_for_and_stays(
    house: House, database_url: str, is_lost: bool
) -> None:
    house.choose("FirstName")
    matched(house, first_name="Ada")
    house.materialize()
    house.change_person(1, first_name="Augusta", read_at=NOON + timedelta(hours=1))
    if is_lost:
        house.raw("DELETE FROM contact_match")
    edit = RawSql(database_url)
    edit("BEGIN")
    edit.update("sidebar_fields", {"respond_id": 1}, fields={"FirstName": "Countess"})
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(materialize_sidebar.run, house.db, org_id=ORG, run_id="beside")
        try:
            wait_for_a_blocked_backend(house.raw)
            edit("COMMIT")
        finally:
            edit.close()
        assert run.result(30)["written"] == 0
    assert house.row(1)["fields"] == {"FirstName": "Countess"}


def test_an_edits_own_row_is_written_after_somebody_elses(house: House, database_url: str) -> None:
    """What it brings is in the mirror by then, and its agent would see the old value until the next run."""
    house.choose("FirstName")
    matched(house, first_name="Ada")
    house.materialize()
    other = RawSql(database_url)
    other("BEGIN")
    other.update("sidebar_fields", {"respond_id": 1}, fields={"FirstName": "of before"})

    def settle() -> None:
        with house.db.transaction() as tx:
            tx.execute("create_sidebar_tables")
            tx.execute("mark_shown_rows", org_id=ORG, salesforce_ids=[person_id(1)])
            materialize_sidebar.process(tx, org_id=ORG)

    house.change_person(1, first_name="Augusta", read_at=NOON + timedelta(hours=1))
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(settle)
        try:
            wait_for_a_blocked_backend(house.raw)
            other("COMMIT")
        finally:
            other.close()
        run.result(30)
    assert house.row(1)["fields"] == {"FirstName": "Augusta"}


@pytest.mark.parametrize("broad_from", [10_000, 0])
def test_a_row_that_a_creation_writes_in_the_meantime_stays(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch, broad_from: int
) -> None:
    monkeypatch.setattr(materialize_sidebar, "BROAD_FROM", broad_from)
    house.choose("FirstName")
    matched(house, first_name="Ada")
    house.person(2, email="bob@example.com", first_name="Bob")
    house.contact(2, email="bob@example.com")
    house.match()
    creation = RawSql(database_url)
    creation("BEGIN")
    creation.insert(
        "sidebar_fields", org_id=ORG, workspace_id=WORKSPACE, respond_id=1, match_status="ambiguous"
    )
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(materialize_sidebar.run, house.db, org_id=ORG, run_id="beside")
        wait_for_a_blocked_backend(house.raw)
        creation("COMMIT")
        assert run.result(30)["written"] == 1
    creation.close()
    assert house.row(1)["match_status"] == "ambiguous"
    assert house.row(2)["fields"] == {"FirstName": "Bob"}


def test_no_field_chosen_is_an_empty_layout(house: House) -> None:
    house.choose("Title")
    house.materialize()
    house.choose()
    house.materialize()
    assert layout(house) == []


# Runs


def test_a_second_run_writes_nothing(house: House) -> None:
    house.choose("FirstName")
    matched(house, first_name="Ada")
    house.materialize()
    before = house.raw.versions(*WRITTEN)
    assert house.materialize() == {"looked_at": 0, "written": 0, "removed": 0, "layouts": 0}
    assert house.raw.versions(*WRITTEN) == before


def test_looking_again_at_everybody_writes_nothing(house: House) -> None:
    house.choose("FirstName")
    matched(house, first_name="Ada")
    house.materialize()
    before = house.raw.versions(*SHOWN)
    house.raw.insert("pending_change", org_id=ORG, workspace_id=WORKSPACE, entity="sidebar_row")
    assert house.materialize()["looked_at"] == 1
    assert house.raw.versions(*SHOWN) == before


def test_a_death_in_the_middle_leaves_the_changes_to_the_next_run(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    matched(house)
    house.match()
    execute = database.Transaction.execute

    def die(tx: database.Transaction, name: str, /, **params: Any) -> int:
        if name == "upsert_ambiguous_rows":
            raise KeyboardInterrupt
        return execute(tx, name, **params)

    with monkeypatch.context() as patched:
        patched.setattr(database.Transaction, "execute", die)
        with pytest.raises(KeyboardInterrupt):
            materialize_sidebar.run(house.db, org_id=ORG, run_id="dies")
    assert house.row(1) == {}
    house.materialize()
    assert house.row(1)


def test_a_workspace_that_moved_shows_nothing_of_its_former_org(house: House) -> None:
    house.org(OTHER_ORG)
    matched(house)
    house.materialize()
    tenants.disconnect_workspace(house.db, WORKSPACE)
    tenants.connect_workspace(house.db, WORKSPACE, OTHER_ORG)
    house.materialize(OTHER_ORG)
    assert house.row(1) == {}


def test_another_orgs_run_takes_no_row_from_a_workspace_that_moved(house: House) -> None:
    house.org(OTHER_ORG)
    matched(house)
    house.materialize()
    house.raw.insert(
        "pending_change", org_id=OTHER_ORG, workspace_id=WORKSPACE, entity="sidebar_row", entity_id="1"
    )
    house.materialize(OTHER_ORG)
    assert house.row(1)


def test_analysts_see_one_row_per_contact_and_field(house: House) -> None:
    house.field("FirstName", label="First name")
    house.choose("FirstName", "Title")
    matched(house, first_name="Ada", payload={"Title": "Countess"})
    house.materialize()
    rows = house.raw("SELECT field_name, label, value FROM sidebar_field_values ORDER BY position")
    assert [tuple(row.values()) for row in rows] == [
        ("FirstName", "First name", "Ada"),
        ("Title", "Title", "Countess"),
    ]
