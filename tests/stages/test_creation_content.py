"""What a created contact is made of, what is left out of it where respond.io refuses a part, and who is skipped."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from contact_sync import erasure, tombstones
from contact_sync.stages import _content, _creation, create_contacts
from tests.conftest import SECRET
from tests.stages.creating import TAG, Creating, try_to_create
from tests.stages.house import ORG, WORKSPACE, person_id

CONTACT = "/v2/contact/[!i]*"
PHONE = "+4930901820"


def custom(contact: dict[str, Any]) -> dict[str, Any]:
    return {field["name"]: field["value"] for field in contact["custom_fields"] or []}


def refused(creating: Creating, text: str, times: int | None = None) -> None:
    """The vendor takes no creation that mentions this."""
    creating.fault(
        method="POST",
        path=CONTACT,
        record_id=text,
        status=400,
        times=times,
        body={"code": 400, "message": "Validation error."},
    )


@pytest.mark.parametrize(
    ("phone", "country"),
    [(PHONE, "DE"), ("+14165550123", "CA"), ("+442079460000", "GB"), ("+80012345678", None), (None, None)],
)
def test_the_country_is_the_phones(phone: str | None, country: str | None) -> None:
    assert _content.country(phone) == country


def test_a_contact_has_its_phones_country(creating: Creating) -> None:
    creating.new(1, phone="+49 30 901820")
    creating.create()
    assert creating.made()[0]["countryCode"] == "DE"


# The Salesforce id


@pytest.mark.parametrize("name", ["salesforce_id", "Salesforce Id", "SALESFORCE ID"])
def test_a_workspace_that_keeps_salesforce_ids_gets_them(creating: Creating, name: str) -> None:
    creating.house.settings(id_field=name)
    creating.new(1)
    creating.create()
    assert custom(creating.made()[0]) == {"Salesforce Id": person_id(1)}


def test_without_being_asked_no_custom_field_is_sent(creating: Creating) -> None:
    creating.new(1)
    creating.create()
    assert custom(creating.made()[0]) == {}


@pytest.mark.parametrize("name", ["crm_id", "score"])
def test_a_field_that_the_workspace_lacks_or_that_takes_no_text_is_not_sent(
    creating: Creating, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    creating.house.settings(id_field=name)
    creating.new(1)
    assert creating.create()["tagged"] == 1
    assert custom(creating.made()[0]) == {}
    assert f"has no custom text field {name}" in caplog.text


def test_a_custom_field_that_is_refused_is_left_out(creating: Creating) -> None:
    creating.house.settings(id_field="salesforce_id")
    creating.new(1)
    refused(creating, "custom_fields")
    assert creating.create()["tagged"] == 1
    assert custom(creating.made()[0]) == {}


# What respond.io refuses


def test_a_refused_number_falls_back_to_the_address(creating: Creating) -> None:
    creating.new(1, phone=PHONE)
    refused(creating, PHONE)
    assert creating.create()["tagged"] == 1
    [contact] = creating.made()
    assert (contact["email"], contact["phone"], contact["tags"]) == ("ada1@example.com", None, [TAG])
    row = creating.creation(1)
    assert (row["identifier"], row["error_code"]) == ("email", "phone_refused")
    assert row["error_detail"] == "Validation error."


def test_a_refused_address_falls_back_to_the_number(creating: Creating) -> None:
    creating.new(1, phone=PHONE)
    refused(creating, "ada1@example.com")
    assert creating.create()["tagged"] == 1
    [contact] = creating.made()
    assert (contact["email"], contact["phone"]) == (None, PHONE)
    assert creating.creation(1)["error_code"] == "email_refused"


def test_who_is_refused_altogether_is_rejected_and_the_rest_goes_on(creating: Creating) -> None:
    creating.new(1, email="bad@example.com", phone=PHONE)
    creating.new(2)
    refused(creating, PHONE)
    refused(creating, "bad@example.com")
    counts = creating.create()
    assert (counts["rejected"], counts["tagged"]) == (1, 1)
    row = creating.creation(1)
    assert (row["status"], row["error_code"], row["error_detail"]) == ("rejected", "400", "Validation error.")


def test_a_spelling_that_is_no_number_to_the_vendor_is_nobodys(creating: Creating) -> None:
    creating.new(1, email=None, phone="+525512345678")
    creating.fault(method="GET", path="/v2/contact/phone:+521*", status=400, times=None)
    assert creating.create()["tagged"] == 1
    assert creating.made()[0]["phone"] == "+525512345678"


def test_a_number_that_cannot_even_be_asked_for_is_refused_by_the_creation(creating: Creating) -> None:
    creating.new(1, phone=PHONE)
    creating.new(2, email=None, phone=PHONE[:-1])
    creating.fault(method="GET", path="/v2/contact/phone:*", status=400, times=None)
    refused(creating, PHONE[:-1])
    counts = creating.create()
    assert (counts["tagged"], counts["rejected"]) == (1, 1)
    assert (creating.made()[0]["phone"], creating.creation(1)["error_code"]) == (None, "phone_refused")
    assert creating.creation(2)["error_detail"] == "Validation error."


def test_a_look_up_that_is_refused_otherwise_is_written_down(creating: Creating) -> None:
    creating.new(1)
    creating.fault(method="GET", path=CONTACT, status=422, body={"code": 422, "message": "No such thing."})
    assert creating.create()["rejected"] == 1
    assert not creating.made()


def test_a_creation_that_was_taken_is_not_rejected_for_its_read_back(creating: Creating) -> None:
    creating.new(1)
    creating.fault(method="GET", path=CONTACT, nth=2, status=400)
    assert creating.create()["postponed"] == 1
    creating.a_minute_later()
    creating.create()
    assert (creating.outcome(1)[0], creating.made()[0]["tags"]) == ("tagged", [TAG])


def test_a_creation_that_never_arrives_is_given_up(creating: Creating) -> None:
    creating.new(1)
    creating.fault(method="POST", path=CONTACT, status=500, times=None)
    for _ in range(2 * _creation.ATTEMPTS):
        try_to_create(creating)
        creating.a_minute_later()
    row = creating.creation(1)
    assert (row["status"], row["error_code"], row["attempts"]) == (
        "rejected",
        "never_arrived",
        _creation.ATTEMPTS,
    )


def test_a_creation_that_does_not_arrive_waits_longer_each_time(creating: Creating) -> None:
    creating.new(1)
    creating.fault(method="POST", path=CONTACT, status=500, times=None)
    try_to_create(creating)
    creating.raw(
        "UPDATE contact_creation SET attempts = 3, claimed_at = now() - interval '2 minutes', not_before = NULL"
    )
    try_to_create(creating)
    wait = creating.raw.value("SELECT extract(epoch FROM not_before - now())::float FROM contact_creation")
    assert (creating.outcome(1)[0], round(wait / 60)) == ("planned", 4)


def test_creations_that_are_stuck_do_not_hold_up_new_ones(creating: Creating) -> None:
    for number in range(1, 4):
        creating.new(number, email=f"stuck{number}@example.com")
    creating.fault(path="*stuck*", status=500, times=None)
    for _ in range(2):
        try_to_create(creating)
        creating.a_minute_later()
    creating.new(4)
    try_to_create(creating)
    assert creating.outcome(4)[0] == "tagged"


# The tag


def tags(creating: Creating) -> list[int]:
    """What making workspace tags was answered with."""
    calls = creating.respond.steer("GET", "/journal").json()["requests"]
    return [call["status"] for call in calls if call["path"] == "/v2/space/tag"]


def test_the_tag_is_made_once_before_it_is_needed(creating: Creating) -> None:
    for run_id in ("first", "second"):
        creating.respond.extract(run_id)
    assert tags(creating) == [200]


def test_a_tag_that_is_there_keeps_its_colour(creating: Creating) -> None:
    creating.there(email="x@example.com", tags=[TAG])
    creating.respond.steer("POST", "/contacts", {"firstName": "Eve", "tags": [TAG]})
    creating.respond.extract()
    assert tags(creating) == [409]
    assert creating.raw.value("SELECT tag_made_at IS NOT NULL FROM workspace")


@pytest.mark.parametrize("refused", ["tag-blue", "Put back daily"], ids=["colour", "description"])
def test_a_tag_whose_colour_or_description_is_refused_is_made_plain_and_told(
    creating: Creating, caplog: pytest.LogCaptureFixture, refused: str
) -> None:
    creating.fault(path="/v2/space/tag", record_id=refused, status=400, body={"code": 400, "message": "No."})
    creating.respond.extract("first")
    creating.respond.extract("second")
    assert tags(creating) == [400, 200]
    assert "with a description (400); it was made plain" in caplog.text


def test_a_refusal_that_says_that_the_tag_is_there_is_believed(creating: Creating) -> None:
    said = {"code": 400, "message": "Tag already exists"}
    creating.fault(path="/v2/space/tag", status=400, body=said)
    creating.respond.extract("first")
    creating.respond.extract("second")
    assert tags(creating) == [400]


def test_a_tag_whose_bare_name_is_refused_is_there(
    creating: Creating, caplog: pytest.LogCaptureFixture
) -> None:
    creating.fault(path="/v2/space/tag", status=400, times=None)
    creating.respond.extract("first")
    creating.respond.extract("second")
    assert tags(creating) == [400, 400]
    assert "one of that name is there" in caplog.text


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_tag_that_may_not_be_made_stops_no_walk(creating: Creating, status: int) -> None:
    creating.there(email="x@example.com")
    creating.fault(path="/v2/space/tag", status=status)
    assert creating.respond.extract("refused")["contacts"] == 1
    creating.respond.extract("later")
    assert tags(creating) == [status, 200]


@pytest.mark.parametrize("settings", [{"tag_created": False}, {"auto_create_since": None}])
def test_a_workspace_that_needs_no_tag_gets_none(creating: Creating, settings: dict[str, Any]) -> None:
    creating.house.settings(**settings)
    creating.respond.extract()
    assert tags(creating) == []


# Dry runs and erased people


def test_a_dry_run_names_samples(creating: Creating, caplog: pytest.LogCaptureFixture) -> None:
    creating.new(1)
    creating.new(2, is_bulk_import=True)
    with caplog.at_level(logging.INFO, "contact_sync"):
        creating.create(dry_run=True)
    assert f"would be planned: {person_id(1)}" in caplog.text
    assert f"would be skipped_bulk_import: {person_id(2)}" in caplog.text


def test_what_is_foreseen_has_its_cost(creating: Creating) -> None:
    for number in range(1, 8):
        creating.new(number)
    creating.match()
    counts, samples = create_contacts.foresee(creating.db, workspace_id=WORKSPACE)
    assert (counts["planned"], counts["calls"]) == (7, 7 * create_contacts.CALLS_EACH)
    assert len(samples["planned"]) == create_contacts.SAMPLES
    assert not creating.raw("SELECT FROM contact_creation")


def test_a_wish_for_bulk_imports_is_foreseen(creating: Creating) -> None:
    creating.new(1, is_bulk_import=True)
    creating.match()
    counts, _ = create_contacts.foresee(creating.db, workspace_id=WORKSPACE, include_bulk_imports=True)
    assert counts["planned"] == 1


@pytest.mark.parametrize(
    "named", [erasure.Named(salesforce_id=person_id(9)), erasure.Named(key=("email", "eve@example.com"))]
)
def test_an_erased_person_is_not_created_again(creating: Creating, named: erasure.Named) -> None:
    creating.new(9, email="eve@example.com")
    creating.match()
    erasure.erase(creating.db, org_id=ORG, named=named)
    creating.new(9, email="eve@example.com")
    creating.create()
    assert creating.made() == []


@pytest.mark.parametrize(
    "digest",
    [
        tombstones.salesforce_digest(SECRET, ORG, person_id(1)),
        tombstones.key_digest(SECRET, ORG, "email", "ada1@example.com"),
    ],
    ids=["id", "key"],
)
def test_a_record_with_a_tombstone_is_skipped_as_erased(creating: Creating, digest: bytes) -> None:
    creating.new(1)
    creating.match()
    for stone in (digest, tombstones.proof(SECRET)):
        creating.raw.insert("erased_person", org_id=ORG, digest=stone)
    assert creating.run()["skipped_erased"] == 1
    assert creating.outcome(1) == ("skipped", "erased")
