"""Whom a workspace wants created, and the rule that forbids the others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contact_sync import tenants
from contact_sync.stages import create_contacts
from tests.stages.creating import Creating
from tests.stages.house import NOON, ORG, WORKSPACE


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"is_bulk_import": True}, "bulk_import"),
        ({"email": "n/a"}, "no_key"),
        ({"presence": "deleted"}, "deleted"),
    ],
)
def test_a_record_that_is_not_wanted_is_skipped_with_its_rule(
    creating: Creating, cells: dict[str, Any], rule: str
) -> None:
    creating.new(1, **cells)
    assert creating.create()[f"skipped_{rule}"] == 1
    assert creating.outcome(1) == ("skipped", rule)
    assert not creating.made()


def test_a_record_made_before_the_switch_was_put_on_is_not_looked_at(creating: Creating) -> None:
    creating.new(1, created_at=NOON - timedelta(seconds=1))
    creating.create()
    assert not creating.creation(1)


def test_a_record_without_a_verdict_waits(creating: Creating) -> None:
    creating.new(1, bulk_judged_at=None, is_bulk_import=None)
    assert creating.create()["planned"] == 0
    assert not creating.creation(1)


@pytest.mark.parametrize("entity", ["salesforce_contact", "salesforce_key"])
def test_a_record_that_is_not_matched_yet_waits(creating: Creating, entity: str) -> None:
    salesforce_id = creating.new(1)
    creating.match()
    names = {"salesforce_contact": salesforce_id, "salesforce_key": "email:ada1@example.com"}
    creating.raw.insert("pending_change", org_id=ORG, entity=entity, entity_id=names[entity])
    assert creating.run()["planned"] == 0
    assert not creating.made()


def test_a_record_that_has_its_match_is_skipped(creating: Creating) -> None:
    creating.new(1)
    creating.house.contact(5, email="ada1@example.com")
    creating.create()
    assert creating.outcome(1) == ("skipped", "matched")


@pytest.mark.parametrize("cells", [{"is_bulk_import": True}, {"phone": "n/a"}])
def test_a_record_that_was_matched_once_is_not_created_when_its_match_ends(
    creating: Creating, cells: dict[str, Any]
) -> None:
    creating.new(1, **cells)
    creating.house.contact(5, email="ada1@example.com")
    creating.create()
    creating.house.change_contact(5, email="other@example.com")
    creating.create(include_bulk_imports=True)
    assert not creating.raw("SELECT FROM contact_match")
    assert creating.outcome(1) == ("skipped", "matched")
    assert not creating.made()


def test_a_record_without_a_key_that_a_person_matched_is_skipped_as_matched(creating: Creating) -> None:
    creating.new(1, email=None)
    creating.house.contact(5, email="other@example.com")
    creating.house.decide(5, 1)
    creating.create()
    assert creating.outcome(1) == ("skipped", "matched")


def test_a_record_of_an_ambiguity_is_skipped_until_it_is_solved(creating: Creating) -> None:
    creating.new(1, email="ada@example.com")
    creating.new(2, email="ada@example.com")
    creating.house.contact(5, email="ada@example.com")
    creating.create()
    assert creating.outcome(1) == ("skipped", "ambiguous")
    creating.house.decide(5, 1)
    creating.create()
    assert creating.outcome(1) == ("skipped", "matched")


def test_a_key_of_many_creates_nobody(creating: Creating) -> None:
    creating.house.settings(shared_key_limit=1)
    creating.new(1, email="office@example.com")
    creating.new(2, email="office@example.com")
    creating.create()
    assert {creating.outcome(1), creating.outcome(2)} == {("skipped", "shared_key")}


def test_two_records_with_one_phone_make_one_contact(creating: Creating) -> None:
    creating.new(1, phone="+49 30 901820")
    creating.new(2, mobile_phone="0049 30 90 18 20")
    creating.create()
    assert creating.outcome(1) == ("tagged", None)
    assert creating.outcome(2) == ("skipped", "same_person")
    assert len(creating.made()) == 1


def test_bulk_imports_are_created_where_the_workspace_wants_them(creating: Creating) -> None:
    creating.house.settings(include_bulk_imports=True)
    creating.new(1, is_bulk_import=True)
    creating.create()
    assert creating.outcome(1) == ("tagged", None)


@pytest.mark.parametrize(("as_set", "wanted", "status"), [(False, True, "tagged"), (True, False, "skipped")])
def test_a_run_may_want_bulk_imports_otherwise(
    creating: Creating, as_set: bool, wanted: bool, status: str
) -> None:
    creating.house.settings(include_bulk_imports=as_set)
    creating.new(1, is_bulk_import=True)
    creating.create(include_bulk_imports=wanted)
    assert creating.outcome(1)[0] == status


def test_a_bulk_import_skipped_once_is_created_when_it_is_wanted(creating: Creating) -> None:
    creating.new(1, is_bulk_import=True)
    creating.create()
    creating.create(include_bulk_imports=True)
    assert creating.outcome(1) == ("tagged", None)


def test_a_record_that_lost_its_key_after_planning_is_skipped(creating: Creating) -> None:
    creating.new(1)
    creating.match()
    create_contacts.run(
        creating.db,
        creating.respond.session,
        workspace_id=WORKSPACE,
        run_id="plan",
        pace=create_contacts.Pace(seconds=0.0),
    )
    creating.house.change_person(1, email=None)
    creating.create()
    assert creating.outcome(1) == ("skipped", "no_key")


def test_a_record_that_was_restored_is_created(creating: Creating) -> None:
    creating.new(1, presence="deleted")
    creating.create()
    creating.house.change_person(1, presence="live")
    creating.create()
    assert creating.outcome(1) == ("tagged", None)


def test_a_contact_that_an_agent_deleted_is_not_created_again(creating: Creating) -> None:
    creating.house.contact(5, email="ADA1@example.com")
    creating.create()
    creating.house.change_contact(5, gone_at=NOON)
    creating.new(1)
    creating.create()
    assert creating.outcome(1) == ("skipped", "was_present")


def test_a_created_contact_that_was_deleted_is_not_created_again(creating: Creating) -> None:
    creating.new(1)
    creating.create()
    [contact] = creating.made()
    creating.respond.steer("DELETE", f"/contacts/{contact['id']}")
    creating.house.change_contact(contact["id"], gone_at=NOON)
    creating.create()
    assert not creating.made()


def test_switching_off_skips_what_is_planned(creating: Creating) -> None:
    creating.new(1)
    creating.new(2)
    creating.create(limit=1)
    tenants.set_workspace(creating.db, WORKSPACE, auto_create=False)
    assert "tagged" not in creating.create()
    assert ("skipped", "switched_off") in {creating.outcome(1), creating.outcome(2)}
    assert len(creating.made()) == 1


def test_switching_on_again_concerns_records_from_then_on(creating: Creating) -> None:
    creating.new(1)
    tenants.set_workspace(creating.db, WORKSPACE, auto_create=False)
    creating.create()
    tenants.set_workspace(creating.db, WORKSPACE, auto_create=True)
    since = creating.raw.value("SELECT auto_create_since FROM workspace")
    creating.new(2, created_at=since + timedelta(seconds=1))
    creating.create()
    assert [contact["email"] for contact in creating.made()] == ["ada2@example.com"]


def test_a_plan_older_than_the_switch_is_skipped(creating: Creating) -> None:
    creating.new(1)
    creating.new(2)
    creating.create(limit=1)
    creating.house.settings(auto_create_since=NOON + timedelta(hours=1))
    creating.create()
    assert ("skipped", "before_switch_on") in {creating.outcome(1), creating.outcome(2)}


def test_a_disconnected_workspace_creates_nobody(creating: Creating) -> None:
    creating.new(1)
    creating.match()
    tenants.disconnect_workspace(creating.db, WORKSPACE)
    assert creating.run() == {}
    assert not creating.made()
