"""What happens to a creation while it waits or is under way: switches, keys and numbers that change, long outages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contact_sync import tenants
from contact_sync.respond_io import changes, contacts
from contact_sync.stages import _creation, create_contacts
from tests.stages.creating import TAG, Creating, before_call, try_to_create
from tests.stages.house import ORG, WORKSPACE

CONTACT = "/v2/contact/[!i]*"
PHONE, OTHER_PHONE = "+4915112345678", "+4915187654321"


def plan(creating: Creating, **wishes: Any) -> None:
    """Plan, and leave no time for anything else."""
    creating.match()
    create_contacts.run(
        creating.db,
        creating.respond.session,
        workspace_id=WORKSPACE,
        run_id="plan",
        wishes=create_contacts.Wishes(**wishes),
        pace=create_contacts.Pace(seconds=0.0),
    )


def claims(creating: Creating) -> int:
    return int(creating.raw.value("SELECT count(*) FROM creation_claim"))


def claim_early(creating: Creating) -> None:
    """A worker claimed the keys of all that is planned, and was stopped."""
    creating.raw(
        "INSERT INTO creation_claim (workspace_id, kind, key, salesforce_id)"
        " SELECT c.workspace_id, k.kind, k.key, c.salesforce_id"
        " FROM contact_creation c JOIN salesforce_key k USING (salesforce_id)"
    )


# Keys are given back


def test_a_record_that_lost_its_key_after_a_try_blocks_nobody(creating: Creating) -> None:
    creating.new(1)
    plan(creating)
    claim_early(creating)
    creating.house.change_person(1, email=None)
    creating.create()
    creating.new(2, email="ada1@example.com")
    creating.create()
    assert (creating.outcome(1), creating.outcome(2)[0]) == (("skipped", "no_key"), "tagged")


def test_switching_off_gives_the_keys_back(creating: Creating) -> None:
    creating.new(1)
    plan(creating)
    claim_early(creating)
    tenants.set_workspace(creating.db, WORKSPACE, auto_create=False)
    creating.create()
    assert (creating.outcome(1), claims(creating)) == (("skipped", "switched_off"), 0)


# What became of the record meanwhile


def decide(creating: Creating) -> None:
    """A person ties a contact with other keys to the record."""
    creating.house.contact(5, email="other@example.com")
    creating.house.decide(5, 1)
    creating.match()


def share(creating: Creating) -> None:
    """Its key turns up on another record, and on a contact that could be either's."""
    creating.house.person(2, email="ada1@example.com")
    creating.house.contact(5, email="ada1@example.com")
    creating.match()


def delete(creating: Creating) -> None:
    creating.house.change_person(1, presence="deleted")


OVERTAKEN = pytest.mark.parametrize(
    ("happening", "rule"), [(decide, "matched"), (share, "ambiguous"), (delete, "deleted")]
)


@OVERTAKEN
def test_a_record_overtaken_since_it_was_planned_is_skipped_by_the_next_run(
    creating: Creating, happening: Callable[[Creating], None], rule: str
) -> None:
    creating.new(1)
    plan(creating)
    claim_early(creating)
    happening(creating)
    plan(creating)
    assert (creating.outcome(1), claims(creating)) == (("skipped", rule), 0)


@OVERTAKEN
def test_a_record_overtaken_during_the_run_is_skipped_when_its_turn_comes(
    creating: Creating, monkeypatch: pytest.MonkeyPatch, happening: Callable[[Creating], None], rule: str
) -> None:
    creating.new(1)
    plan(creating)
    before_call(monkeypatch, _creation.Creator, "advance", lambda: happening(creating))
    assert creating.run()["skipped"] == 1
    assert creating.outcome(1) == ("skipped", rule)
    assert not creating.made()


# Switches


def test_switching_off_ends_the_run_that_is_under_way(
    creating: Creating, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 4):
        creating.new(number)
    before_call(
        monkeypatch,
        changes,
        "create",
        lambda: tenants.set_workspace(creating.db, WORKSPACE, auto_create=False),
    )
    creating.create()
    assert len(creating.made()) == 1


def test_a_limited_wish_for_bulk_imports_is_no_wish_for_the_rest(creating: Creating) -> None:
    for number in range(1, 4):
        creating.new(number, is_bulk_import=True)
    creating.create(include_bulk_imports=True, limit=1)
    creating.create()
    outcomes = [creating.outcome(number) for number in (1, 2, 3)]
    assert outcomes == [("tagged", None), ("skipped", "bulk_import"), ("skipped", "bulk_import")]


def test_switching_bulk_imports_off_takes_them_from_the_plan(creating: Creating) -> None:
    creating.house.settings(include_bulk_imports=True)
    creating.new(1, is_bulk_import=True)
    creating.new(2)
    plan(creating)
    tenants.set_workspace(creating.db, WORKSPACE, include_bulk_imports=False)
    creating.create()
    assert (creating.outcome(1), creating.outcome(2)[0]) == (("skipped", "bulk_import"), "tagged")


def test_a_run_that_leaves_bulk_imports_out_leaves_planned_ones_planned(creating: Creating) -> None:
    creating.house.settings(include_bulk_imports=True)
    creating.new(1, is_bulk_import=True)
    plan(creating)
    creating.create(include_bulk_imports=False)
    assert creating.outcome(1)[0] == "planned"


def test_a_plan_taken_away_under_a_worker_ends_no_run(
    creating: Creating, monkeypatch: pytest.MonkeyPatch
) -> None:
    creating.house.settings(include_bulk_imports=True)
    creating.new(1, is_bulk_import=True)
    creating.new(2)
    creating.there(email="ada1@example.com")
    before_call(
        monkeypatch,
        _creation.Creator,
        "_adopt",
        lambda: tenants.set_workspace(creating.db, WORKSPACE, include_bulk_imports=False),
    )
    creating.create()
    assert (creating.outcome(1), creating.outcome(2)[0]) == (("skipped", "bulk_import"), "tagged")


def test_a_wish_is_planned_while_another_run_works(creating: Creating) -> None:
    creating.new(1, is_bulk_import=True)
    with creating.db.advisory_lock(f"create:{WORKSPACE}"):
        creating.create(include_bulk_imports=True)
        assert creating.create(dry_run=True)["planned"] == 1
    assert creating.outcome(1)[0] == "planned"


# The gate


def gate(creating: Creating, verdict: str) -> None:
    creating.raw.insert(
        "quality_run", org_id=ORG, run_id="gate", why="large_delta", verdict=verdict, measures={}
    )


def test_while_the_gate_holds_the_org_nobody_is_created_from_its_records(creating: Creating) -> None:
    creating.new(1)
    plan(creating)
    gate(creating, "held")
    assert creating.run()["held"] == 1
    assert (creating.outcome(1), creating.made()) == (("held", None), [])
    status = "SELECT status FROM stage_run WHERE stage = 'create_contacts' ORDER BY started_at DESC LIMIT 1"
    assert creating.raw.value(status) == "held"
    gate(creating, "approved")
    assert creating.run()["tagged"] == 1


def test_what_became_of_a_held_record_counts_when_the_hold_ends(creating: Creating) -> None:
    creating.new(1)
    plan(creating)
    gate(creating, "held")
    creating.run()
    delete(creating)
    gate(creating, "passed")
    creating.run()
    assert creating.outcome(1) == ("skipped", "deleted")


def test_a_hold_ends_the_run_that_is_under_way_and_spares_what_was_begun(
    creating: Creating, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 4):
        creating.new(number)
    before_call(monkeypatch, changes, "create", lambda: gate(creating, "held"))
    creating.create()
    assert [contact["tags"] for contact in creating.made()] == [[TAG]]


def test_switching_bulk_imports_off_takes_held_ones_from_the_plan(creating: Creating) -> None:
    creating.house.settings(include_bulk_imports=True)
    creating.new(1, is_bulk_import=True)
    creating.new(2)
    plan(creating)
    gate(creating, "held")
    creating.run()
    tenants.set_workspace(creating.db, WORKSPACE, include_bulk_imports=False)
    creating.run()
    assert (creating.outcome(1), creating.outcome(2)) == (("skipped", "bulk_import"), ("held", None))


def test_switching_off_skips_what_was_held_when_the_hold_ends(creating: Creating) -> None:
    creating.new(1)
    plan(creating)
    gate(creating, "held")
    creating.run()
    tenants.set_workspace(creating.db, WORKSPACE, auto_create=False)
    gate(creating, "passed")
    assert [row["workspace_id"] for row in creating.db.all("list_workspaces_creating")] == [WORKSPACE]
    creating.run()
    assert creating.outcome(1) == ("skipped", "switched_off")


# Who is there already


def test_a_contact_under_any_of_the_records_numbers_is_adopted(creating: Creating) -> None:
    creating.new(1, mobile_phone=PHONE, phone=OTHER_PHONE)
    respond_id = creating.there(phone=OTHER_PHONE)
    creating.create()
    assert (creating.outcome(1)[0], creating.creation(1)["respond_id"]) == ("adopted", respond_id)


def test_a_mirrored_contact_that_has_other_keys_now_is_not_adopted(creating: Creating) -> None:
    creating.new(1)
    respond_id = creating.there(email="ada1@example.com")
    plan(creating)
    creating.respond.extract()
    creating.house.normalize()
    moved = {"email": "grace@example.com"}
    creating.respond.session.call(
        "PUT", contacts.CONTACT_ROUTE, contacts.path(f"id:{respond_id}"), json=moved
    )
    creating.run()
    assert creating.outcome(1)[0] == "tagged"


# Long outages


def test_a_vendor_that_says_it_did_nothing_uses_up_no_attempt(creating: Creating) -> None:
    creating.new(1)
    creating.fault(method="POST", path=CONTACT, status=449, times=2 * _creation.ATTEMPTS)
    for _ in range(2 * _creation.ATTEMPTS):
        try_to_create(creating)
        assert (creating.outcome(1)[0], creating.creation(1)["attempts"]) == ("creating", 0)
        creating.a_minute_later()
    try_to_create(creating)
    assert creating.outcome(1)[0] == "tagged"
