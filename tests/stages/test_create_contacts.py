"""Creating contacts: a wanted person appears once, tagged, or is found there already."""

from __future__ import annotations

import pytest

from contact_sync.respond_io import changes
from contact_sync.stages import create_contacts
from tests.stages.creating import TAG, Creating, before_call
from tests.stages.house import WORKSPACE

CONTACT = "/v2/contact/[!i]*"
MEXICO, MEXICO_OLD = "+525512345678", "+5215512345678"


def test_a_new_record_becomes_a_tagged_contact(creating: Creating) -> None:
    creating.new(1, phone="+49 30 901820", payload={"Title": "Dr"})
    assert creating.create()["tagged"] == 1
    [contact] = creating.made()
    shown = {name: contact[name] for name in ("firstName", "lastName", "email", "phone", "tags")}
    assert shown == {
        "firstName": "Ada",
        "lastName": "Number 1",
        "email": "ada1@example.com",
        "phone": "+4930901820",
        "tags": [TAG],
    }


def test_what_was_created_is_written_down(creating: Creating) -> None:
    creating.new(1)
    creating.create()
    row, [contact] = creating.creation(1), creating.made()
    assert (row["status"], row["respond_id"], row["tags"]) == ("tagged", contact["id"], [TAG])
    assert (row["identifier"], row["attempts"]) == ("email", 1)


def test_mirror_match_and_sidebar_row_come_with_the_creation(creating: Creating) -> None:
    creating.new(1, payload={"Title": "Dr"})
    creating.create()
    [contact] = creating.made()
    assert creating.raw.column("SELECT respond_id FROM respond_contact") == [contact["id"]]
    assert creating.house.verdict(contact["id"]) == ("creation", "1")
    assert creating.house.row(contact["id"])["fields"] == {"Title": "Dr"}


def test_a_second_run_creates_nobody_twice(creating: Creating) -> None:
    creating.new(1)
    creating.create()
    before = creating.raw.versions("contact_creation", "respond_contact", "contact_match")
    counts = creating.create()
    assert counts["planned"] == 0
    assert len(creating.made()) == 1
    assert creating.raw.versions("contact_creation", "respond_contact", "contact_match") == before


def test_a_dry_run_counts_and_writes_nothing(creating: Creating) -> None:
    creating.new(1)
    creating.new(2, is_bulk_import=True)
    counts = creating.create(dry_run=True)
    assert (counts["planned"], counts["skipped_bulk_import"]) == (1, 1)
    assert counts["calls"] == create_contacts.CALLS_EACH
    assert not creating.made()
    assert not creating.raw("SELECT * FROM contact_creation")


def test_a_limit_creates_so_many_and_leaves_the_rest_planned(creating: Creating) -> None:
    creating.new(1)
    creating.new(2)
    assert creating.create(limit=1)["tagged"] == 1
    assert len(creating.made()) == 1
    assert creating.create()["tagged"] == 1


def test_a_run_out_of_time_leaves_the_rest_planned(creating: Creating) -> None:
    creating.new(1)
    creating.match()
    create_contacts.run(
        creating.db,
        creating.respond.session,
        workspace_id=WORKSPACE,
        run_id="short",
        pace=create_contacts.Pace(seconds=0.0),
    )
    assert creating.outcome(1) == ("planned", None)


def test_a_record_with_one_name_gives_it_as_first_name(creating: Creating) -> None:
    creating.new(1, first_name=" ", last_name="Lovelace")
    creating.create()
    [contact] = creating.made()
    assert (contact["firstName"], contact["lastName"]) == ("Lovelace", None)


def test_a_record_without_a_name_is_rejected(creating: Creating) -> None:
    creating.new(1, first_name=None, last_name=None)
    assert creating.create()["rejected"] == 1
    assert creating.creation(1)["error_code"] == "no_name"


# Who is there already


def test_a_contact_that_is_there_is_adopted_untouched(creating: Creating) -> None:
    creating.new(1)
    respond_id = creating.there(email="ada1@example.com")
    assert creating.create()["adopted"] == 1
    [contact] = creating.made()
    assert (contact["id"], contact["firstName"], contact["tags"]) == (respond_id, "Old", [])
    assert (creating.creation(1)["respond_id"], creating.creation(1)["tags"]) == (respond_id, [])
    assert creating.house.verdict(respond_id) == ("creation", "1")


def test_a_contact_under_an_alias_of_the_number_is_adopted(creating: Creating) -> None:
    creating.new(1, email=None, phone=MEXICO)
    respond_id = creating.there(phone=MEXICO_OLD)
    creating.create()
    assert (creating.outcome(1)[0], creating.creation(1)["respond_id"]) == ("adopted", respond_id)


def test_a_contact_known_from_the_mirror_is_adopted_in_any_spelling(creating: Creating) -> None:
    creating.new(1)
    respond_id = creating.there(email=" Ada1@Example.com ")
    creating.match()
    create_contacts.run(
        creating.db,
        creating.respond.session,
        workspace_id=WORKSPACE,
        run_id="plan",
        pace=create_contacts.Pace(seconds=0.0),
    )
    creating.respond.extract()
    creating.house.normalize()
    creating.run()
    assert (creating.outcome(1)[0], creating.creation(1)["respond_id"]) == ("adopted", respond_id)


def test_a_mirrored_contact_that_is_gone_is_not_adopted(creating: Creating) -> None:
    creating.new(1)
    respond_id = creating.there(email=" Ada1@Example.com ")
    creating.match()
    create_contacts.run(
        creating.db,
        creating.respond.session,
        workspace_id=WORKSPACE,
        run_id="plan",
        pace=create_contacts.Pace(seconds=0.0),
    )
    creating.respond.extract()
    creating.house.normalize()
    creating.respond.steer("DELETE", f"/contacts/{respond_id}")
    creating.run()
    assert creating.outcome(1)[0] == "tagged"


@pytest.mark.parametrize("status", [409, 400])
def test_a_contact_that_appears_before_the_call_is_adopted(
    creating: Creating, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    creating.respond.store.switch({"create_existing": status})
    creating.new(1)
    before_call(monkeypatch, changes, "create", lambda: creating.there(email="ada1@example.com"))
    assert creating.create()["adopted"] == 1
    assert len(creating.made()) == 1


def test_a_refused_creation_frees_its_keys(creating: Creating) -> None:
    creating.new(1)
    creating.fault(method="POST", path=CONTACT, status=400, body={"code": 400, "message": "no such phone"})
    assert creating.create()["rejected"] == 1
    assert creating.outcome(1)[0] == "rejected"
    assert not creating.raw("SELECT * FROM creation_claim")
