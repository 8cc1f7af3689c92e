"""Single records: reading, writing, refusing; and what changed in a span."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import httpx
import pytest

from tests.sandbox.salesforce.asking import CONTROL, contacts, make, refusal, switch
from tests.sandbox.salesforce.conftest import Clock


def test_a_patch_changes_the_record_stamps_it_and_names_the_user(client: httpx.Client, clock: Clock) -> None:
    contact = make(client, Title="CTO")
    clock.advance(100)
    assert (
        client.patch(f"/sobjects/Contact/{contact}", json={"Title": "CEO", "Phone": None}).status_code == 204
    )
    found = client.get(f"/sobjects/Contact/{contact}").json()
    assert (found["Title"], found["Phone"]) == ("CEO", None)
    assert found["SystemModstamp"] == found["LastModifiedDate"] == "2026-09-21T14:15:00.000+0000"
    assert found["LastModifiedById"] != found["CreatedById"]


def test_a_precondition_that_fails_changes_nothing(client: httpx.Client, clock: Clock) -> None:
    contact = make(client, Title="CTO")
    before = {"If-Unmodified-Since": formatdate(clock() - 1, usegmt=True)}
    same = {"If-Unmodified-Since": formatdate(clock(), usegmt=True)}
    assert (
        client.patch(f"/sobjects/Contact/{contact}", json={"Title": "x"}, headers=before).status_code == 412
    )
    assert client.get(f"/sobjects/Contact/{contact}").json()["Title"] == "CTO"
    assert client.patch(f"/sobjects/Contact/{contact}", json={"Title": "y"}, headers=same).status_code == 204


def test_a_precondition_that_is_no_date_is_refused(client: httpx.Client) -> None:
    contact = make(client)
    answer = client.patch(
        f"/sobjects/Contact/{contact}", json={}, headers={"If-Unmodified-Since": "yesterday"}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("given", "code", "fields"),
    [
        ({"Foo": 1}, "INVALID_FIELD", None),
        ({"Id": "003"}, "INVALID_FIELD", ["Id"]),
        ({"LastName": ""}, "REQUIRED_FIELD_MISSING", ["LastName"]),
        ({"Title": "x" * 129}, "STRING_TOO_LONG", ["Title"]),
        ({"Email": "not an address"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ({"Loyalty_Tier__c": "Tin"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Loyalty_Tier__c"]),
        ({"Score__c": 1e20}, "NUMBER_OUTSIDE_VALID_RANGE", ["Score__c"]),
        ({"Score__c": "many"}, "JSON_PARSER_ERROR", None),
        ({"VIP__c": "yes"}, "JSON_PARSER_ERROR", None),
        ({"Next_Call__c": "tomorrow"}, "JSON_PARSER_ERROR", None),
        ({"Last_Seen__c": "2026-01-01"}, "JSON_PARSER_ERROR", None),
        ({"AccountId": "nonsense"}, "MALFORMED_ID", ["AccountId"]),
        ({"AccountId": "0015g0000000099"}, "INVALID_CROSS_REFERENCE_KEY", ["AccountId"]),
        ({"Name": "x", "Full_Title__c": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Name", "Full_Title__c"]),
    ],
)
def test_bad_values_get_the_vendors_code(
    client: httpx.Client, given: dict[str, Any], code: str, fields: list[str] | None
) -> None:
    answer = client.patch(f"/sobjects/Contact/{make(client)}", json=given)
    assert refusal(answer) == (400, code)
    assert answer.json()[0].get("fields") == fields


def test_values_are_kept_as_salesforce_keeps_them(client: httpx.Client) -> None:
    given = {
        "Title": "  CEO ", "LeadSource": "any text", "Score__c": 1.239, "Department": "", "VIP__c": True,
        "Last_Seen__c": "2026-01-01T10:00:00.000+0200", "Next_Call__c": "2026-01-02", "Email": "A@b.example",
    }  # fmt: skip
    found = client.get(f"/sobjects/Contact/{make(client, **given)}").json()
    assert {name: found[name] for name in given} == {
        "Title": "CEO", "LeadSource": "any text", "Score__c": 1.24, "Department": None, "VIP__c": True,
        "Last_Seen__c": "2026-01-01T08:00:00.000+0000", "Next_Call__c": "2026-01-02", "Email": "A@b.example",
    }  # fmt: skip


def test_a_post_creates_in_the_callers_name(client: httpx.Client) -> None:
    answer = client.post("/sobjects/Contact", json={"LastName": "New"})
    assert answer.status_code == 201
    assert answer.json()["success"] is True
    assert (
        client.get(answer.headers["Location"].removeprefix("/services/data/v66.0")).json()["LastName"]
        == "New"
    )


def test_a_deleted_record_says_so_and_an_unknown_one_is_not_found(client: httpx.Client) -> None:
    contact = make(client)
    assert client.delete(f"/sobjects/Contact/{contact}").status_code == 204
    assert refusal(client.get(f"/sobjects/Contact/{contact}")) == (404, "ENTITY_IS_DELETED")
    assert refusal(client.patch(f"/sobjects/Contact/{contact}", json={"Title": "x"})) == (
        404,
        "ENTITY_IS_DELETED",
    )
    assert refusal(client.get("/sobjects/Contact/0035g00000000zz")) == (404, "NOT_FOUND")
    assert refusal(client.get("/sobjects/Contact/nonsense")) == (404, "NOT_FOUND")
    assert refusal(client.get("/sobjects/Contact/0015g00000000zz")) == (400, "MALFORMED_ID")


def test_an_external_id_upserts_and_300_tells_of_several(client: httpx.Client) -> None:
    created = client.patch("/sobjects/Contact/Legacy_Id__c/L-1", json={"LastName": "One"})
    changed = client.patch("/sobjects/Contact/Legacy_Id__c/L-1", json={"Title": "CEO"})
    assert (created.status_code, changed.status_code) == (201, 200)
    assert created.json()["id"] == changed.json()["id"]
    make(client, Legacy_Id__c="L-1")
    assert client.get("/sobjects/Contact/Legacy_Id__c/L-1").status_code == 300


def test_updated_covers_up_to_the_oldest_open_transaction(client: httpx.Client, clock: Clock) -> None:
    contact = make(client)
    clock.advance(300)
    client.patch(f"{CONTROL}/contacts/{contact}?lag_seconds=600", json={"Title": "late"})
    clock.advance(120)
    span = {"start": "2026-09-21T14:00:00+00:00", "end": "2026-09-21T15:00:00Z"}
    answer = client.get("/sobjects/Contact/updated", params=span).json()
    assert answer == {"ids": [contact], "latestDateCovered": "2026-09-21T14:18:20.000+0000"}


def test_deleted_remembers_what_was_purged(client: httpx.Client) -> None:
    contact, other = make(client), make(client)
    client.delete(f"{CONTROL}/contacts/{contact}")
    client.delete(f"{CONTROL}/contacts/{other}")
    client.post(f"{CONTROL}/contacts/{contact}/purge")
    client.post(f"{CONTROL}/contacts/{other}/undelete")
    assert contacts(client, "SELECT Id FROM Contact", "IsDeleted = true", is_all=True) == []
    span = {"start": "2026-09-21T14:00:00Z", "end": "2026-09-21T15:00:00Z"}
    answer = client.get("/sobjects/Contact/deleted", params=span).json()
    assert [row["id"] for row in answer["deletedRecords"]] == [contact]
    assert set(answer) == {"deletedRecords", "earliestDateAvailable", "latestDateCovered"}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-09-21T15:00:00Z", "2026-09-21T14:00:00Z"),
        ("2026-09-21T14:00:05Z", "2026-09-21T14:00:55Z"),
        ("2026-08-01T00:00:00Z", "2026-09-21T14:00:00Z"),
        ("yesterday", "today"),
    ],
)
def test_a_span_that_cannot_be_is_refused(client: httpx.Client, start: str, end: str) -> None:
    answer = client.get("/sobjects/Contact/updated", params={"start": start, "end": end})
    assert refusal(answer) == (400, "INVALID_REPLICATION_DATE")


def test_a_validation_rule_refuses_the_whole_save(client: httpx.Client) -> None:
    contact = make(client, Department="Sales")
    rule = {
        "name": "r",
        "when": "Department = 'Sales' AND Title = null",
        "message": "Sales need a title",
        "field": "Title",
    }
    switch(client, validation_rules=[rule])
    answer = client.patch(f"/sobjects/Contact/{contact}", json={"Phone": "1"})
    assert refusal(answer) == (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert answer.json()[0]["message"] == "Sales need a title"
    assert client.get(f"/sobjects/Contact/{contact}").json()["Phone"] is None
    assert client.patch(f"/sobjects/Contact/{contact}", json={"Title": "Rep"}).status_code == 204


def test_a_trigger_rewrites_what_was_written(client: httpx.Client) -> None:
    contact = make(client)
    switch(client, rewrites=[{"field": "Title", "how": "upper"}])
    client.patch(f"/sobjects/Contact/{contact}", json={"Title": "chief"})
    assert client.get(f"/sobjects/Contact/{contact}").json()["Title"] == "CHIEF"


def test_a_lock_refuses_as_often_as_it_was_told(client: httpx.Client) -> None:
    contact = make(client)
    client.post(f"{CONTROL}/locks", json={"id": contact, "times": 2})
    answers = [client.patch(f"/sobjects/Contact/{contact}", json={"Title": "x"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 204]
    assert refusal(answers[0]) == (400, "UNABLE_TO_LOCK_ROW")
