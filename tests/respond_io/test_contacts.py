from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contact_sync import errors, records
from contact_sync.respond_io import contacts
from contact_sync.respond_io.session import Session
from sandbox.respond.store import Store

ADA = {
    "firstName": "Ada",
    "lastName": "",
    "email": " Ada@Example.com ",
    "phone": "+44 20 7946 0000",
    "countryCode": "GB",
    "tags": ["vip"],
    "language": "en",
    "created_at": 1767268800,
}


def test_a_contact_becomes_our_record(session: Session, workspace: Store) -> None:
    [respond_id] = workspace.insert_contacts([ADA])
    found = contacts.get(session, f"id:{respond_id}")
    assert found is not None
    assert (found.respond_id, found.first_name, found.last_name) == (respond_id, "Ada", None)
    assert (found.country, found.tags) == ("GB", ("vip",))
    assert found.created_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert found.payload["language"] == "en"


def test_email_and_phone_keep_their_bytes(session: Session, workspace: Store) -> None:
    [respond_id] = workspace.insert_contacts([ADA])
    found = contacts.get(session, f"id:{respond_id}")
    assert found is not None
    assert (found.email, found.phone) == (" Ada@Example.com ", "+44 20 7946 0000")


def test_a_contact_that_is_not_there_is_none(session: Session) -> None:
    assert contacts.get(session, "email:nobody@example.com") is None


@pytest.mark.parametrize(
    "email", ["a+b@example.com", "a%b@example.com", "a?b@example.com", "a#b@example.com", "ü@example.com"]
)
def test_any_address_reaches_the_vendor_whole(session: Session, workspace: Store, email: str) -> None:
    [respond_id] = workspace.insert_contacts([{"firstName": "A", "email": email}])
    found = contacts.get(session, f"email:{email}")
    assert found is not None
    assert found.respond_id == respond_id


def test_a_phone_is_found_by_its_plus(session: Session, workspace: Store) -> None:
    [respond_id] = workspace.insert_contacts([{"firstName": "A", "phone": "+442079460000"}])
    found = contacts.get(session, "phone:+442079460000")
    assert found is not None
    assert found.respond_id == respond_id


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_walk_sees_everyone_once_in_either_order(session: Session, workspace: Store, order: str) -> None:
    workspace.switch({"list_order": order})
    ids = workspace.insert_contacts([{"firstName": f"P{i}"} for i in range(5)])
    seen: list[records.RespondId] = []
    cursor: int | None = None
    while True:
        page = contacts.list_page(session, cursor, limit=2)
        seen += [contact.respond_id for contact in page.contacts]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted(ids)


def test_a_filter_is_passed_on(session: Session, workspace: Store) -> None:
    workspace.insert_contacts([ADA, {"firstName": "Bob"}])
    condition = {"category": "contactTag", "field": None, "operator": "hasAnyOf", "value": ["vip"]}
    page = contacts.list_page(session, None, filter={"$and": [condition]})
    assert [contact.first_name for contact in page.contacts] == ["Ada"]


def answering(session: Session, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]) -> None:
    monkeypatch.setattr(session, "call", lambda *_, **__: httpx.Response(200, json=body))


@pytest.mark.parametrize("following", [None, "", "http://elsewhere/contact/list?limit=1&cursorId=9"])
def test_the_end_of_the_list_is_any_empty_next(
    session: Session, monkeypatch: pytest.MonkeyPatch, following: str | None
) -> None:
    answering(session, monkeypatch, {"items": [], "pagination": {"next": following}})
    assert contacts.list_page(session, 8).next_cursor == (9 if following else None)


@pytest.mark.parametrize(
    "body",
    [
        {"pagination": {}},
        {"items": [], "pagination": {"next": "http://x/list?cursorId=8"}},
        {"items": [], "pagination": {"next": "http://x/list"}},
        {"items": [{"firstName": "nameless"}], "pagination": {}},
    ],
)
def test_a_page_that_cannot_be_trusted_is_asked_for_again(
    session: Session, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]
) -> None:
    answering(session, monkeypatch, body)
    with pytest.raises(errors.RetryError):
        contacts.list_page(session, 8)


@pytest.mark.parametrize("fault", [{"status": 503, "body": "<html>"}, {"cut_after_bytes": 5}])
def test_reading_survives_a_passing_trouble(
    session: Session, workspace: Store, vendor: httpx.Client, fault: dict[str, Any]
) -> None:
    workspace.insert_contacts([ADA])
    vendor.post("/_sandbox/faults", json={**fault, "path": "/v2/contact/list"}).raise_for_status()
    assert len(contacts.list_page(session, None).contacts) == 1


@pytest.mark.parametrize("value", [None, "2026", 10**18, float("nan")])
def test_a_creation_time_that_is_none_loses_no_contact(value: object) -> None:
    assert contacts.contact({"id": 1, "created_at": value}).created_at is None
