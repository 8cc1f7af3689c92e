"""The door of the edit queue: refused with a reason and nothing queued, or queued on the right ground."""

from __future__ import annotations

import select
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contact_sync import database, edits, errors, tenants
from tests.raw_sql import RawSql
from tests.stages.house import ORG, WORKSPACE, House, person_id

ANN = "ann"


@pytest.fixture
def house(db: database.Database, raw: RawSql) -> House:
    """Contact 1 is person 1, whose title may be edited; contact 2 is nobody."""
    house = House(db, raw)
    house.org()
    house.workspace(editing_enabled=True)
    house.field("Title", length=20)
    house.field("Score__c", type="double")
    house.field("Phone", type="phone")
    house.field("Fax", type="phone")
    house.field("Age__c", calculated=True)
    house.field("Locked__c", updateable=False)
    house.field("Hidden__c")
    house.choose("Title", "Score__c", "Phone", "Fax", "Age__c", "Locked__c", editable=True)
    house.person(1, email="ada@example.com", payload={"Title": "Dr"})
    house.contact(1, email="ada@example.com")
    house.contact(2, email="bob@example.com")
    house.materialize()
    return house


def wish(new: Any = "Professor", **more: Any) -> edits.Wish:
    given = {"respond_id": 1, "field_name": "Title", "base_value": "Dr", "requested_by": ANN}
    return edits.Wish(**{"workspace_id": WORKSPACE, "new_value": new, **given, **more})


def queue(house: House, new: Any = "Professor", *, key: str | None = None, **more: Any) -> database.Row:
    return edits.queue_edit(house.db, wish(new, **more), idempotency_key=key)


def begin(house: House, edit_id: int) -> None:
    """A worker takes the edit up."""
    house.raw.update("field_edit", {"edit_id": edit_id}, status="applying", claimed_by="run")


def settle(house: House, edit_id: int, status: str, stored: str | None = None) -> None:
    """A worker ends the edit."""
    begin(house, edit_id)
    house.raw(
        "UPDATE field_edit SET status = %(status)s, stored_value = to_jsonb(%(stored)s::text), settled_at = now()"
        " WHERE edit_id = %(id)s",
        id=edit_id,
        status=status,
        stored=stored,
    )


def statuses(house: House) -> list[str]:
    return house.raw.column("SELECT status FROM field_edit ORDER BY edit_id")


def test_an_edit_is_queued_with_who_what_and_on_what_ground(house: House) -> None:
    row = queue(house)
    assert (row["status"], row["requested_by"], row["salesforce_id"]) == ("queued", ANN, person_id(1))
    assert (row["field_name"], row["base_value"], row["new_value"]) == ("Title", "Dr", "Professor")


def test_values_are_queued_as_salesforce_takes_them(house: House) -> None:
    row = queue(house, " 12.50 ", field_name="Score__c", base_value="10.0")
    assert (row["base_value"], row["new_value"]) == (10, 12.5)


def test_a_base_that_the_field_could_not_hold_is_kept_as_it_was_seen(house: House) -> None:
    assert queue(house, 5, field_name="Score__c", base_value="about ten")["base_value"] == "about ten"


def test_an_empty_base_is_a_base(house: House) -> None:
    assert queue(house, base_value=None)["base_value"] is None


# Refusals


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"workspace_id": "nowhere"}, "unknown_workspace"),
        ({"respond_id": 99}, "unknown_contact"),
        ({"respond_id": 2}, "not_matched"),
        ({"field_name": "Hidden__c"}, "field_not_chosen"),
        ({"field_name": "Nonsense__c"}, "field_not_chosen"),
        ({"field_name": "Phone"}, "email_or_phone"),
        ({"field_name": "Fax"}, "email_or_phone"),
        ({"field_name": "Age__c"}, "calculated"),
        ({"field_name": "Locked__c"}, "not_updateable"),
        ({"base_value": edits.MISSING}, "base_missing"),
        ({"field_name": "Score__c", "new_value": "a lot"}, "wrong_type"),
        ({"new_value": "a title that is much too long"}, "too_long"),
        ({"new_value": "Dr\x07"}, "control_characters"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_and_not_queued(
    house: House, more: dict[str, Any], code: str
) -> None:
    with pytest.raises(errors.RejectError) as refusal:
        edits.queue_edit(
            house.db, wish(**more) if "new_value" not in more else wish(more.pop("new_value"), **more)
        )
    assert refusal.value.code == code
    assert not statuses(house)


def test_a_field_that_is_shown_but_not_switched_on_is_refused_by_name(house: House) -> None:
    house.choose("Title")
    with pytest.raises(errors.RejectError, match="Title is not switched on for editing") as refusal:
        queue(house)
    assert refusal.value.code == "field_not_editable"


def test_with_editing_off_nothing_is_queued(house: House) -> None:
    tenants.set_workspace(house.db, WORKSPACE, editing_enabled=False)
    with pytest.raises(errors.RejectError) as refusal:
        queue(house)
    assert (refusal.value.code, statuses(house)) == ("editing_off", [])


def test_a_disconnected_workspace_queues_nothing(house: House) -> None:
    tenants.disconnect_workspace(house.db, WORKSPACE)
    with pytest.raises(errors.RejectError) as refusal:
        queue(house)
    assert (refusal.value.code, statuses(house)) == ("not_connected", [])


def test_a_field_whose_permission_was_lost_is_refused(house: House) -> None:
    house.raw("UPDATE salesforce_field SET lost_at = now() WHERE name = 'Title'")
    with pytest.raises(errors.RejectError) as refusal:
        queue(house)
    assert (refusal.value.code, statuses(house)) == ("permission_lost", [])


def test_a_refusal_does_not_repeat_the_value(house: House) -> None:
    with pytest.raises(errors.RejectError) as refusal:
        queue(house, "s3cret and much too long")
    assert "s3cret" not in str(refusal.value)


# The same call again


def test_the_same_call_again_is_the_same_edit(house: House) -> None:
    first = queue(house, key="k1")
    assert queue(house, key="k1")["edit_id"] == first["edit_id"]
    assert statuses(house) == ["queued"]


def test_the_same_call_again_answers_even_when_it_could_not_be_queued_now(house: House) -> None:
    first = queue(house, key="k1")
    tenants.set_workspace(house.db, WORKSPACE, editing_enabled=False)
    assert queue(house, key="k1")["edit_id"] == first["edit_id"]


def test_a_key_used_for_another_edit_is_refused(house: House) -> None:
    queue(house, key="k1")
    with pytest.raises(errors.RejectError) as refusal:
        queue(house, "Dean", key="k1")
    assert (refusal.value.code, refusal.value.status) == ("idempotency_key_reused", 422)
    assert statuses(house) == ["queued"]


def test_a_key_belongs_to_its_workspace(house: House) -> None:
    house.workspace("other", editing_enabled=True)
    house.choose("Title", workspace_id="other", editable=True)
    house.contact(1, workspace_id="other", email="ada@example.com")
    house.materialize()
    first = queue(house, key="k1")
    assert queue(house, key="k1", workspace_id="other")["edit_id"] != first["edit_id"]


def test_the_same_call_twice_at_once_makes_one_edit(house: House) -> None:
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda _: queue(house, key="k1"), range(4)))
    assert len({row["edit_id"] for row in rows}) == 1
    assert statuses(house) == ["queued"]


# One after the other


def test_a_later_edit_supersedes_a_queued_one_and_takes_its_base(house: House) -> None:
    queue(house, "Professor")
    later = queue(house, "Dean", base_value="Professor")
    assert statuses(house) == ["superseded", "queued"]
    assert (later["base_value"], later["new_value"], later["after_edit_id"]) == ("Dr", "Dean", None)


def test_edits_of_other_fields_stay(house: House) -> None:
    queue(house)
    queue(house, 5, field_name="Score__c", base_value=None)
    assert statuses(house) == ["queued", "queued"]


def test_behind_an_edit_in_flight_a_later_one_waits(house: House) -> None:
    first = queue(house, "Professor")
    begin(house, first["edit_id"])
    later = queue(house, "Dean", base_value="Professor")
    assert later["after_edit_id"] == first["edit_id"]
    assert statuses(house) == ["applying", "queued"]


def test_an_edit_that_supersedes_one_that_waits_waits_too(house: House) -> None:
    first = queue(house, "Professor")
    begin(house, first["edit_id"])
    queue(house, "Dean")
    last = queue(house, "Rector")
    assert last["after_edit_id"] == first["edit_id"]
    assert statuses(house) == ["applying", "superseded", "queued"]


def test_edits_of_one_field_at_once_leave_one_queued(house: House) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: queue(house, f"Title {number}"), range(8)))
    assert sorted(statuses(house)) == ["queued"] + ["superseded"] * 7


# Discard and revert


def test_a_queued_edit_can_be_taken_back_twice(house: House) -> None:
    edit_id = queue(house)["edit_id"]
    for _ in range(2):
        assert edits.discard(house.db, WORKSPACE, edit_id, ANN)["status"] == "discarded"


def test_history_says_who_took_an_edit_back(house: House) -> None:
    edit_id = queue(house)["edit_id"]
    edits.discard(house.db, WORKSPACE, edit_id, "bob")
    events = house.raw("SELECT to_status, actor FROM edit_event ORDER BY event_id")
    assert [(event["to_status"], event["actor"]) for event in events] == [
        ("queued", ANN),
        ("discarded", "bob"),
    ]


def test_an_edit_that_is_sent_cannot_be_taken_back(house: House) -> None:
    edit_id = queue(house)["edit_id"]
    begin(house, edit_id)
    with pytest.raises(errors.RejectError) as refusal:
        edits.discard(house.db, WORKSPACE, edit_id, ANN)
    assert (refusal.value.code, statuses(house)) == ("too_late", ["applying"])


@pytest.mark.parametrize("verb", [edits.discard, edits.revert])
def test_another_workspaces_edit_is_unknown(house: House, verb: Any) -> None:
    house.workspace("other")
    edit_id = queue(house)["edit_id"]
    with pytest.raises(errors.RejectError) as refusal:
        verb(house.db, "other", edit_id, ANN)
    assert (refusal.value.code, refusal.value.status) == ("unknown_edit", 404)


def test_another_workspaces_edit_is_not_shown(house: House) -> None:
    edit_id = queue(house)["edit_id"]
    assert edits.get(house.db, "other", edit_id) is None


def test_a_revert_queues_the_opposite(house: House) -> None:
    edit_id = queue(house, "professor")["edit_id"]
    settle(house, edit_id, "applied", stored="PROFESSOR")
    back = edits.revert(house.db, WORKSPACE, edit_id, "bob")
    assert (back["base_value"], back["new_value"]) == ("PROFESSOR", "Dr")
    assert (back["reverts_edit_id"], back["requested_by"]) == (edit_id, "bob")


def test_only_an_applied_edit_can_be_reverted(house: House) -> None:
    edit_id = queue(house)["edit_id"]
    with pytest.raises(errors.RejectError) as refusal:
        edits.revert(house.db, WORKSPACE, edit_id, ANN)
    assert (refusal.value.code, statuses(house)) == ("not_applied", ["queued"])


def test_a_revert_never_reaches_another_person(house: House) -> None:
    edit_id = queue(house)["edit_id"]
    settle(house, edit_id, "applied", stored="Professor")
    house.person(2, email="bob@example.com", payload={"Title": "Professor"})
    house.change_contact(1, email="bob@example.com")
    house.materialize()
    with pytest.raises(errors.RejectError) as refusal:
        edits.revert(house.db, WORKSPACE, edit_id, ANN)
    assert (refusal.value.code, statuses(house)) == ("matched_elsewhere", ["applied"])


def test_a_revert_follows_a_merge(house: House) -> None:
    edit_id = queue(house)["edit_id"]
    settle(house, edit_id, "applied", stored="Professor")
    house.person(2, email="ada@example.com", payload={"Title": "Professor"})
    house.merge(1, 2)
    house.materialize()
    assert edits.revert(house.db, WORKSPACE, edit_id, ANN)["salesforce_id"] == person_id(2)


def test_an_edit_rings_the_queues_bell(house: House) -> None:
    house.raw("LISTEN contact_sync_field_edit")
    queue(house)
    connection = house.raw._connection
    # the notification travels after the commit's answer
    while not connection.notifies and select.select([connection], [], [], 60.0)[0]:
        connection.poll()
    assert [note.channel for note in connection.notifies] == ["contact_sync_field_edit"]


def test_an_edit_never_changes_org(house: House) -> None:
    assert queue(house)["org_id"] == ORG
