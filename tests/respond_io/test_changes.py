from __future__ import annotations

import httpx
import pytest

from contact_sync import errors
from contact_sync.respond_io import changes, contacts
from contact_sync.respond_io.changes import ContactFields
from contact_sync.respond_io.session import Session
from sandbox.respond.store import Store

EMAIL = "email:ada@example.com"
ADA = ContactFields(first_name="Ada", email="ada@example.com", country="GB")


def test_a_created_contact_is_found_at_once(session: Session) -> None:
    changes.create(session, EMAIL, ADA)
    found = contacts.get(session, EMAIL)
    assert found is not None
    assert (found.first_name, found.email, found.country) == ("Ada", "ada@example.com", "GB")


@pytest.mark.parametrize("status", [409, 400])
def test_creating_an_existing_contact_is_rejected_with_the_vendors_status(
    session: Session, workspace: Store, status: int
) -> None:
    workspace.switch({"create_existing": status})
    changes.create(session, EMAIL, ADA)
    with pytest.raises(errors.RejectError) as caught:
        changes.create(session, EMAIL, ADA)
    assert caught.value.status == status


def test_a_create_whose_answer_is_lost_is_ambiguous_and_not_repeated(
    session: Session, workspace: Store, vendor: httpx.Client
) -> None:
    fault = {"method": "POST", "path": "/v2/contact/email:*", "status": 500, "apply": True}
    vendor.post("/_sandbox/faults", json=fault).raise_for_status()
    with pytest.raises(errors.RetryError) as caught:
        changes.create(session, EMAIL, ADA)
    assert caught.value.is_ambiguous
    assert workspace.count() == 1


@pytest.mark.parametrize(("asked", "seconds"), [({}, 60.0), ({"Retry-After": "300"}, 300.0)])
def test_a_create_that_is_queued_is_not_repeated_and_waits_a_minute(
    session: Session, workspace: Store, vendor: httpx.Client, asked: dict[str, str], seconds: float
) -> None:
    fault = {"method": "POST", "path": "/v2/contact/email:*", "status": 449, "apply": True, "headers": asked}
    vendor.post("/_sandbox/faults", json=fault).raise_for_status()
    with pytest.raises(errors.RetryError) as caught:
        changes.create(session, EMAIL, ADA)
    assert (caught.value.retry_after_seconds, caught.value.is_ambiguous) == (seconds, False)
    assert workspace.count() == 1


def test_tags_are_added_ten_at_a_time_and_once(session: Session) -> None:
    changes.create(session, EMAIL, ADA)
    tags = [f"tag {i}" for i in range(11)]
    changes.add_tags(session, EMAIL, tags)
    changes.add_tags(session, EMAIL, tags[:1])
    found = contacts.get(session, EMAIL)
    assert found is not None
    assert found.tags == tuple(tags)


def test_tags_are_added_again_after_a_lost_answer(session: Session, vendor: httpx.Client) -> None:
    changes.create(session, EMAIL, ADA)
    fault = {"method": "POST", "path": "/v2/contact/*/tag", "status": 500, "apply": True}
    vendor.post("/_sandbox/faults", json=fault).raise_for_status()
    changes.add_tags(session, EMAIL, ["vip"])
    found = contacts.get(session, EMAIL)
    assert found is not None
    assert found.tags == ("vip",)


def test_a_contact_still_in_the_queue_is_tagged_when_it_is_ready(session: Session, workspace: Store) -> None:
    workspace.switch({"queued_seconds": 0.6})
    changes.create(session, EMAIL, ADA)
    changes.add_tags(session, EMAIL, ["vip"])
    found = contacts.get(session, EMAIL)
    assert found is not None
    assert found.tags == ("vip",)


@pytest.mark.parametrize("shape", ["list", "object"])
def test_custom_fields_are_read_in_either_shape(
    session: Session, workspace: Store, vendor: httpx.Client, shape: str
) -> None:
    workspace.switch({"allowed_values_as": shape})
    body = {"name": "Tier", "slug": "tier", "dataType": "list", "allowedValues": ["Gold", "Silver"]}
    session.call("POST", "/space/custom_field", json=body)
    found = {field.name: field for field in changes.custom_fields(session)}
    assert (found["Tier"].slug, found["Tier"].type) == ("tier", "list")
    assert found["Tier"].allowed_values == ("Gold", "Silver")


def test_an_unknown_custom_field_refuses_the_whole_write(session: Session) -> None:
    with pytest.raises(errors.RejectError) as caught:
        changes.create(session, EMAIL, ContactFields(first_name="Ada", custom_fields={"nope": 1}))
    assert "not found in the workspace" in caught.value.detail
    assert contacts.get(session, EMAIL) is None
