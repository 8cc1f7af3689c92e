"""Commit lag: whichever door a save comes by, it becomes visible later, under the stamp of its save."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.sandbox.salesforce.asking import contacts, make, switch
from tests.sandbox.salesforce.conftest import DATA, Clock

LAG = 30
SPAN = {"start": "2026-09-21T14:00:00Z", "end": "2026-09-21T15:00:00Z"}


def by_row(client: httpx.Client, contact: str) -> httpx.Response:
    return client.patch(f"/sobjects/Contact/{contact}", json={"Title": "new"})


def by_composite(client: httpx.Client, contact: str) -> httpx.Response:
    item = {
        "method": "PATCH",
        "url": f"{DATA}/sobjects/Contact/{contact}",
        "referenceId": "one",
        "body": {"Title": "new"},
    }
    return client.post("/composite", json={"compositeRequest": [item]})


def by_collection(client: httpx.Client, contact: str) -> httpx.Response:
    record = {"attributes": {"type": "Contact"}, "id": contact, "Title": "new"}
    return client.patch("/composite/sobjects", json={"records": [record]})


@pytest.mark.parametrize("change", [by_row, by_composite, by_collection])
def test_a_change_by_any_door_is_seen_at_its_commit(
    client: httpx.Client, clock: Clock, change: Callable[[httpx.Client, str], httpx.Response]
) -> None:
    contact = make(client, Title="old")
    clock.advance(10)
    switch(client, commit_lag_seconds=LAG)
    assert change(client, contact).status_code < 300
    clock.advance(LAG - 1)
    assert client.get(f"/sobjects/Contact/{contact}").json()["Title"] == "old"
    clock.advance(1)
    found = client.get(f"/sobjects/Contact/{contact}").json()
    assert (found["Title"], found["SystemModstamp"]) == ("new", "2026-09-21T14:13:30.000+0000")


def test_a_creation_by_rest_is_seen_at_its_commit(client: httpx.Client, clock: Clock) -> None:
    switch(client, commit_lag_seconds=LAG)
    contact = client.post("/sobjects/Contact", json={"LastName": "Late"}).json()["id"]
    assert client.get(f"/sobjects/Contact/{contact}").status_code == 404
    clock.advance(LAG)
    assert client.get(f"/sobjects/Contact/{contact}").json()["CreatedDate"] == "2026-09-21T14:13:20.000+0000"


def test_a_deletion_by_rest_is_seen_and_logged_at_its_commit(client: httpx.Client, clock: Clock) -> None:
    contact = make(client)
    clock.advance(10)
    switch(client, commit_lag_seconds=LAG)
    assert client.delete(f"/sobjects/Contact/{contact}").status_code == 204
    assert client.get("/sobjects/Contact/deleted", params=SPAN).json()["deletedRecords"] == []
    clock.advance(LAG)
    assert contacts(client, "SELECT Id FROM Contact", "IsDeleted = true", is_all=True)
    [logged] = client.get("/sobjects/Contact/deleted", params=SPAN).json()["deletedRecords"]
    assert logged == {"id": contact, "deletedDate": "2026-09-21T14:13:30.000+0000"}


def test_a_query_with_a_limit_is_as_slow_as_what_it_returns(client: httpx.Client) -> None:
    make(client)
    make(client)
    switch(client, query_timeout_rows=1)
    soql = "SELECT Id FROM Contact ORDER BY SystemModstamp"
    assert client.get("/query", params={"q": soql}).status_code == 400
    assert client.get("/query", params={"q": f"{soql} LIMIT 1"}).json()["totalSize"] == 1
