"""The edge against the stand-in, over a real socket: what a scripted answer cannot show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from contact_sync import errors
from contact_sync.salesforce import auth, describe, query
from sandbox.salesforce.store import Store


def people(store: Store, number: int) -> list[str]:
    return store.insert_contacts({"LastName": f"Person {i}"} for i in range(number))


def read(session: auth.Session, soql: str, page_size: int = 2000) -> list[dict[str, Any]]:
    return [record for page in query.pages(session, soql, page_size=page_size) for record in page.records]


def test_every_contact_comes_once_over_many_pages(live: auth.Session, store: Store) -> None:
    ids = people(store, 450)
    found = read(live, query.select(["Id"]), page_size=200)
    assert sorted(record["Id"] for record in found) == sorted(ids)


def test_deleted_contacts_are_read_too(live: auth.Session, store: Store, vendor: httpx.Client) -> None:
    [salesforce_id] = people(store, 1)
    vendor.delete(f"/_sandbox/contacts/{salesforce_id}").raise_for_status()
    [record] = read(live, query.select(["Id", "IsDeleted"]))
    assert record == {"Id": salesforce_id, "IsDeleted": True}


def test_a_count_agrees_with_what_is_read(live: auth.Session, store: Store) -> None:
    people(store, 7)
    since = query.datetime_literal(datetime.now(UTC) - timedelta(days=1))
    value, clock = query.count(live, query.select_count(where=f"SystemModstamp >= {since}"))
    assert value == 7
    assert abs((clock - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.parametrize("name", ["O'Neil", 'The "Boss"', "back\\slash", "new\nline", "Ünïcødé 漢字"])
def test_a_quoted_value_finds_its_record(live: auth.Session, store: Store, name: str) -> None:
    [salesforce_id] = store.insert_contacts([{"LastName": name}])
    where = f"LastName = {query.text_literal(name)}"
    assert read(live, query.select(["Id"], where=where)) == [{"Id": salesforce_id}]


def test_the_describe_is_the_integration_users(live: auth.Session, vendor: httpx.Client) -> None:
    vendor.post("/_sandbox/permissions", json={"field": "Title", "access": "none"}).raise_for_status()
    names = {field.name for field in describe.description(live).fields}
    assert "Email" in names
    assert "Title" not in names


def test_a_parent_is_described_and_read(live: auth.Session, store: Store) -> None:
    [account_id] = store.insert_accounts([{"Name": "Acme"}])
    store.insert_contacts([{"LastName": "Ada", "AccountId": account_id}])
    assert "Account.Name" in {field.name for field in describe.description(live).fields}
    assert read(live, query.select(["Account.Name"])) == [{"Account": {"Name": "Acme"}}]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503, "body": "<html>We are down"},
        {"status": 420, "body": "<html>We are setting things up"},
        {"status": 406},
        {"cut_after_bytes": 20},
        {"cut_after_bytes": -1},
        {"effects": {"expire_token": True}},
    ],
)
def test_a_read_survives_a_passing_trouble(
    live: auth.Session, store: Store, vendor: httpx.Client, fault: dict[str, Any]
) -> None:
    people(store, 450)
    path = "/services/data/v66.0/query/*"
    answer = vendor.post("/_sandbox/faults", json={**fault, "path": path})
    assert answer.status_code < 300, answer.text
    assert len(read(live, query.select(["Id"]), page_size=200)) == 450
    assert vendor.get("/_sandbox/faults").json()["faults"][0]["fired"] == 1


def test_an_org_without_api_access_needs_a_person(live: auth.Session, vendor: httpx.Client) -> None:
    live.login()
    vendor.post("/_sandbox/settings", json={"api_enabled": False}).raise_for_status()
    with pytest.raises(errors.StopError, match=r"API_DISABLED_FOR_ORG.*edition"):
        live.call("GET", "/limits")


def test_the_journal_sees_the_lane(live: auth.Session, vendor: httpx.Client) -> None:
    live.call("GET", "/limits")
    seen = {entry["lane"] for entry in vendor.get("/_sandbox/journal").json()["requests"] if entry["lane"]}
    assert seen == {"extract"}


def test_wrong_credentials_carry_the_vendors_own_words(open_live: Any) -> None:
    with pytest.raises(errors.StopError, match=r"invalid_client \(invalid client credentials\)"):
        open_live(consumer_secret="wrong").login()
